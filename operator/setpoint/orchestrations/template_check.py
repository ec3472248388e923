"""Where a `spec.template` is not a fragment of a pod template that can be merged, told by field.

Three layers are looked at, each without what the one before it told: what JSON can say, the form of the parts
that template_shape.py types, and what those parts say. The engine's command line is no part of a template,
since fields of the spec make it.

A fault reaches the status and logs, so it shows no more of a value than people need to find it: of a map or
list its kind, and of what stands in an environment, where tokens are, the kind too.
"""

import datetime
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from setpoint.api.labels import annotation_key_fault, label_key_fault, label_value_fault
from setpoint.api.reasons import Reason
from setpoint.engines.container import CONTAINER_NAME
from setpoint.faults import Fault
from setpoint.orchestrations.template_merge import MERGE_KEYS
from setpoint.orchestrations.template_shape import FIELD, Container, Metadata, PodSpec, PodTemplate

Location = tuple[Any, ...]
"""A place in a template, by keys and indexes."""
Told = tuple[Location, Fault]
"""A fault, and the place without which it is gone."""

_REASON = Reason.INVALID_TEMPLATE
_COMMAND_LINE = {
    "args": "would pass by the rules for spec.engine.args: use that",
    "command": "is not the template's to set: remove it, the image's entry point is used",
}
_DEEPEST = 32
"""Levels of maps and lists, thrice what a pod template has: deeper ones could exhaust the stack."""
_MESSAGES = {
    "missing": "is required",
    "extra_forbidden": "is no field of a template: use metadata.labels, metadata.annotations or spec",
    "model_type": "must be a map",
    "dict_type": "must be a map",
    "list_type": "must be a list",
    "string_type": "must be text: quote it",
    "bool_type": "must be true or false, without quotes",
    "int_type": "must be a whole number, without quotes",
}
_KINDS = {
    dict: "a map",
    list: "a list",
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "null",
}


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found in one template."""

    sound: dict[str, Any]
    """The template without what is at fault in it."""
    faults: tuple[Fault, ...]
    aside: tuple[str, ...]
    """The places that `sound` lacks, as template_policy.py names them: items by what tells them apart."""

    def lacks(self, field: str) -> bool:
        """Return whether what stands at a field, or around it, was set aside."""
        return any(field == place or field.startswith((f"{place}.", f"{place}[")) for place in self.aside)


def check(template: dict[str, Any]) -> Checked:
    """Return all faults of a `spec.template`, and what is left of it without them."""
    aside: list[str] = []

    def without(rest: dict[str, Any], told: list[Told]) -> dict[str, Any]:
        aside.extend(_named_place(rest, location) for location, _ in told)
        return _without(rest, told)

    not_json = list(_not_json((), template))
    sound = without(template, not_json)
    told = malformed = list(_malformed(sound))
    while told:
        # What then lacks a field that must be there is set aside too: that only follows from what was told.
        sound = without(sound, told)
        told = list(_malformed(sound))
    wrong = list(_wrong(PodTemplate.model_validate(sound)))
    sound = without(sound, wrong)
    return Checked(sound, tuple(fault for _, fault in [*not_json, *malformed, *wrong]), tuple(aside))


def sound_parts(template: dict[str, Any]) -> PodTemplate:
    """Return the typed parts of a `spec.template`, without what is at fault in it."""
    return PodTemplate.model_validate(check(template).sound)


def mounts_of_no_volume(merged: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield the mounts of a merged pod template whose volume it does not have."""
    pod = PodTemplate.model_validate(merged).spec or PodSpec()
    volumes = {volume.name for volume in pod.volumes or []}
    for kind, containers in (("containers", pod.containers), ("initContainers", pod.init_containers)):
        for container in containers or []:
            for mount in container.volume_mounts or []:
                if mount.name not in volumes:
                    field = f"{FIELD}.spec.{kind}[{container.name}].volumeMounts[{mount.mount_path}].name"
                    message = f"is no volume of the pod: correct it, or add it to {FIELD}.spec.volumes"
                    yield Fault(field, mount.name or "", message, _REASON)


def _path(location: Location) -> str:
    """Return a place within a template as people write it: spec.template.spec.containers[0].name."""
    return FIELD + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)


def _named_place(template: Any, location: Location) -> str:
    """Return a place within a template by the names of items: spec.template.spec.containers[main].image."""
    place, value, field = FIELD, template, ""
    for step in location:
        value = value[step]
        if isinstance(step, int):
            key = MERGE_KEYS.get(field, ("",))[0]
            place += f"[{value.get(key, step) if isinstance(value, dict) else step}]"
        else:
            place, field = f"{place}.{step}", str(step)
    return place


def _without(template: dict[str, Any], told: list[Told]) -> dict[str, Any]:
    aside = {location for location, _ in told}

    def kept(value: Any, location: Location) -> Any:
        if isinstance(value, dict):
            places = [(key, (*location, key), item) for key, item in value.items()]
            return {key: kept(item, place) for key, place, item in places if place not in aside}
        if isinstance(value, list):
            places = [(index, (*location, index), item) for index, item in enumerate(value)]
            return [kept(item, place) for _, place, item in places if place not in aside]
        return value

    return {key: kept(item, (key,)) for key, item in template.items() if (key,) not in aside}


def _malformed(template: dict[str, Any]) -> Iterator[Told]:
    """Yield where a part does not have its form."""
    try:
        PodTemplate.model_validate(template)
    except ValidationError as error:
        for each in error.errors(include_url=False):
            location, missing = each["loc"], each["type"] == "missing"
            shown = "" if missing else _shown(location, each["input"])
            message = _MESSAGES.get(each["type"], each["msg"])
            yield location[:-1] if missing else location, Fault(_path(location), shown, message, _REASON)


def _wrong(template: PodTemplate) -> Iterator[Told]:
    """Yield what well-formed parts may not say."""
    yield from _wrong_labels(template.metadata or Metadata())
    pod = template.spec or PodSpec()
    for index, container in enumerate(pod.containers or []):
        yield from _command_line(index, container)


def _wrong_labels(metadata: Metadata) -> Iterator[Told]:
    for name, texts, key_fault in (
        ("labels", metadata.labels, label_key_fault),
        ("annotations", metadata.annotations, annotation_key_fault),
    ):
        for key, text in (texts or {}).items():
            field, location = f"{FIELD}.metadata.{name}[{key}]", ("metadata", name, key)
            if message := key_fault(key):
                yield location, Fault(field, "", message, _REASON)
            elif name == "labels" and text is not None and (message := label_value_fault(text)):
                yield location, Fault(field, text, message, _REASON)


def _command_line(index: int, container: Container) -> Iterator[Told]:
    """Yield the engine's command and args; their values, which may have a key in them, are not shown."""
    for name in sorted(_COMMAND_LINE.keys() & container.model_fields_set):
        if container.name == CONTAINER_NAME:
            field = f"{FIELD}.spec.containers[{container.name}].{name}"
            yield ("spec", "containers", index, name), Fault(field, "", _COMMAND_LINE[name], _REASON)


def _shown(location: Location, value: Any) -> str:
    scalar = value is None or isinstance(value, str | int | float | datetime.date)
    if scalar and "env" not in location:
        return str(value).encode(errors="backslashreplace").decode()
    return _KINDS.get(type(value), type(value).__name__)


def _not_json(location: Location, value: Any) -> Iterator[Told]:
    """Yield what JSON cannot say (YAML reads 2020-01-01 as a date), and directives, which are no fields."""
    if len(location) > _DEEPEST:
        message = f"is more than {_DEEPEST} levels deep: no pod is"
        yield location, Fault(_path(location), "...", message, _REASON)
    elif isinstance(value, dict):
        for key, item in value.items():
            remedy = _no_key(key)
            if remedy:
                yield (*location, key), Fault(_path(location), _shown((), key), remedy, _REASON)
            else:
                yield from _not_json((*location, key), item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _not_json((*location, index), item)
    elif remedy := _no_scalar(value):
        yield location, Fault(_path(location), _shown(location, value), remedy, _REASON)


def _no_key(key: Any) -> str | None:
    if not isinstance(key, str):
        return "is a key and must be text: quote it"
    if key.startswith("$"):
        return "is a directive, which is not supported: set a field to null to take it away"
    return _no_scalar(key)


def _no_scalar(value: Any) -> str | None:
    if isinstance(value, str):
        surrogate = not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value)
        return "is not Unicode text: remove the surrogates" if surrogate else None
    if isinstance(value, float):
        return None if math.isfinite(value) else "is not a number that JSON has: use a finite one"
    return None if value is None or isinstance(value, int) else "is no value that JSON has: quote it"
