"""Fields of a `spec.template` that no pod has.

The operator passes on what it does not know, since a field may be newer than Setpoint, and the API server
refuses what it does not know itself. Here the fields are those of the Kubernetes version that the client
library was made for.
"""

import difflib
import re
from collections.abc import Iterator
from typing import Any

from setpoint.api.reasons import Reason
from setpoint.faults import Fault
from setpoint.orchestrations.template_shape import FIELD

_CONTAINED = re.compile(r"(?:List\[|Dict\[str, )(?P<item>\w+)\]")


def unknown_fields(template: dict[str, Any]) -> Iterator[Fault]:
    """Yield the fields of the pod's specification, at any depth, that Kubernetes does not know."""
    if "spec" in template:
        yield from _unknown_fields(f"{FIELD}.spec", template["spec"], "V1PodSpec")


def _unknown_fields(path: str, value: Any, kind: str) -> Iterator[Fault]:
    # The library has a module for each of 700 kinds and takes longer to load than everything else.
    from kubernetes.client import models

    contained = _CONTAINED.fullmatch(kind)
    if contained and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unknown_fields(f"{path}[{index}]", item, contained["item"])
        return
    model = getattr(models, kind, None)
    if contained or model is None or not isinstance(value, dict):
        return
    kinds = {model.attribute_map[name]: kind for name, kind in model.openapi_types.items()}
    for name, item in value.items():
        if name in kinds:
            yield from _unknown_fields(f"{path}.{name}", item, kinds[name])
        else:
            near = difflib.get_close_matches(name, kinds, n=1)
            remedy = f"did you mean {near[0]}?" if near else "remove it"
            yield Fault(f"{path}.{name}", "", f"is not a field of a pod: {remedy}", Reason.INVALID_TEMPLATE)
