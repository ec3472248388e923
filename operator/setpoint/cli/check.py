"""Everything that is wrong with an InferenceService, found in one go and without a cluster."""

import json
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from setpoint.api.inferenceservice import InferenceService
from setpoint.cli.explain import Location, to_fault, value_at
from setpoint.cli.submitted import API_VERSION, SubmittedInferenceService
from setpoint.cli.template_fields import misfits
from setpoint.faults import Fault
from setpoint.orchestrations import deployment
from setpoint.settings import Settings

_STAND_INS: dict[Location, Any] = {
    ("apiVersion",): API_VERSION,
    ("kind",): "InferenceService",
    ("metadata",): {"name": "name"},
    ("metadata", "name"): "name",
    ("spec",): {"model": {"uri": "hf://organisation/name"}},
    ("spec", "model"): {"uri": "hf://organisation/name"},
    ("spec", "model", "uri"): "hf://organisation/name",
}
"""What goes in place of a required field that is wrong, so that the rest can be looked at."""
_ARGS: Location = ("spec", "engine", "args")
_INERT = "--set-aside"
"""What goes in place of an item that is no text, so that the others keep their indexes: a flag that means
nothing to an engine.
"""


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found in one object."""

    service: InferenceService
    """The object, without what is at fault in it."""
    faults: tuple[Fault, ...]


def check(document: dict[str, Any], settings: Settings) -> Checked:
    """Return the service in `document` and all faults: of the schema, the rules, the engine and the template.

    pydantic ends at the first layer that fails: an unknown field hides the rules of its object. So what is at
    fault is set aside, and the rest is looked at again until nothing new is found.
    """
    faults: list[Fault] = []
    aside: set[Location] = set()
    args: list[str] | None = None
    rest = json.loads(json.dumps(document))
    while True:
        try:
            service = SubmittedInferenceService.model_validate_json(
                json.dumps(rest), strict=True, extra="forbid"
            )
        except ValidationError as error:
            found = error.errors(include_url=False)
            faults += [to_fault(details, document) for details in found if not _within(aside, details["loc"])]
            aside |= {details["loc"] for details in found}
            for details in found:
                if details["loc"] == _ARGS and details["type"] == "rule":
                    # A rule over the list as a whole must not hide what the engine finds in its items.
                    args = value_at(rest, _ARGS)
                aside.add(_set_aside(rest, details["loc"], details["type"]))
        else:
            judged = service if args is None else _with_args(service, args)
            faults += deployment.faults(judged, settings)
            told = {fault.field for fault in faults}
            written = value_at(document, ("spec", "template"))
            faults += [fault for fault in misfits(written) if fault.field not in told]
            return Checked(service, tuple(faults))


def _with_args(service: InferenceService, args: list[str]) -> InferenceService:
    engine = service.spec.engine.model_copy(update={"args": args})
    return service.model_copy(update={"spec": service.spec.model_copy(update={"engine": engine})})


def _within(aside: set[Location], location: Location) -> bool:
    """Return whether a fault here only follows from what was set aside."""
    return any(location[:length] in aside for length in range(1, len(location) + 1))


def _set_aside(rest: dict[str, Any], location: Location, kind: str = "") -> Location:
    """Take what stands at `location` out of `rest`, with as much around it as cannot do without it.

    Return the location of all that was taken. `kind` is that of pydantic's error.
    """
    if location in _STAND_INS:
        value_at(rest, location[:-1])[location[-1]] = _STAND_INS[location]
        return location
    around, last = value_at(rest, location[:-1]), location[-1]
    if isinstance(around, list) and kind == "string_type":
        item = around[int(last)]
        # As a text, a number or boolean among texts can be looked at.
        around[int(last)] = json.dumps(item) if isinstance(item, int | float) else _INERT
    elif isinstance(around, list):
        return _set_aside(rest, location[:-1])
    elif isinstance(around, dict) and last in around:
        del around[str(last)]
    elif isinstance(around, dict):
        return _set_aside(rest, location[:-1])
    return location
