"""Where a `spec.template` does not fit a pod: fields that no pod has, and values that are no list or mapping.

The operator passes on what it does not know, since a field may be newer than Setpoint, and the API server
refuses what it does not know itself. Here the fields are those of the Kubernetes version that the client
library was made for. The template is looked at as written, whatever else is wrong with it.
"""

import difflib
import re
from collections.abc import Iterator
from typing import Any

from setpoint.api.reasons import Reason
from setpoint.faults import Fault
from setpoint.orchestrations.template_shape import FIELD

_LIST = re.compile(r"List\[(?P<item>\w+)\]")


def misfits(template: Any) -> Iterator[Fault]:
    """Yield where the pod's specification, at any depth, is not as Kubernetes has it; null fits anywhere."""
    if isinstance(template, dict):
        yield from _misfits(f"{FIELD}.spec", template.get("spec"), "V1PodSpec")


def _misfits(path: str, value: Any, kind: str) -> Iterator[Fault]:
    # The library has a module for each of 700 kinds and takes longer to load than everything else.
    from kubernetes.client import models

    if value is None:
        return
    if contained := _LIST.fullmatch(kind):
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from _misfits(f"{path}[{index}]", item, contained["item"])
        else:
            yield _fault(path, "must be a list")
        return
    model = getattr(models, kind, None)
    if model is None and not kind.startswith("Dict["):
        return
    if not isinstance(value, dict):
        yield _fault(path, "must be a mapping")
    elif model is not None:
        kinds = {model.attribute_map[name]: kind for name, kind in model.openapi_types.items()}
        for name, item in value.items():
            if name in kinds:
                yield from _misfits(f"{path}.{name}", item, kinds[name])
            else:
                near = difflib.get_close_matches(name, kinds, n=1)
                remedy = f"did you mean {near[0]}?" if near else "remove it"
                yield _fault(f"{path}.{name}", f"is not a field of a pod: {remedy}")


def _fault(path: str, message: str) -> Fault:
    return Fault(path, "", message, Reason.INVALID_TEMPLATE)
