"""`spec.template` merged over our pod template, as Kubernetes merges a strategic merge patch.

Maps are merged, null takes a field away, scalars and most lists are replaced, and the lists of MERGE_KEYS
are merged item by item. Three deviations, each for what people mean: ports go by number and protocol, as in
server-side apply; a field of a union (a probe's httpGet or exec) takes away its alternatives, which a patch
would leave to be refused; and there are no `$patch` directives.
"""

from collections.abc import Mapping
from typing import Any

MERGE_KEYS: dict[str, tuple[str, ...]] = {
    "containers": ("name",),
    "env": ("name",),
    "evictionResponders": ("name",),
    "hostAliases": ("ip",),
    "imagePullSecrets": ("name",),
    "initContainers": ("name",),
    "ports": ("containerPort", "protocol"),
    "resourceClaims": ("name",),
    "schedulingGates": ("name",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "volumeDevices": ("devicePath",),
    "volumeMounts": ("mountPath",),
    "volumes": ("name",),
}
"""Lists merged item by item, and the fields that tell items apart (k8s.io/api core/v1 of 1.37:
patchMergeKey, and listMapKey where that names more fields)."""

_DEFAULTS = {"protocol": "TCP"}
"""What the API server takes a merge key for when it is absent."""

_PROBE = frozenset({"exec", "grpc", "httpGet", "tcpSocket"})
_HOOK = frozenset({"exec", "httpGet", "sleep", "tcpSocket"})
_ALTERNATIVES: dict[str, frozenset[str]] = {
    "env": frozenset({"value", "valueFrom"}),
    "livenessProbe": _PROBE,
    "postStart": _HOOK,
    "preStop": _HOOK,
    "readinessProbe": _PROBE,
    "startupProbe": _PROBE,
    "valueFrom": frozenset({"configMapKeyRef", "fieldRef", "fileKeyRef", "resourceFieldRef", "secretKeyRef"}),
}
"""Unions: of these fields of a map, or of a list's item, the patch's replaces the others."""

_RETAIN_KEYS = frozenset({"resourceClaims", "volumes"})
"""Lists whose items keep only the fields that the patch names (patchStrategy retainKeys): a volume has one
source."""

Json = Any


def merge(base: Mapping[str, Json], patch: Mapping[str, Json]) -> dict[str, Json]:
    """Return `base` with `patch` merged over it; neither is changed, and no field of `patch` stays null."""
    return _merge_map("", base, patch)


def _merge_map(field: str, base: Mapping[str, Json], patch: Mapping[str, Json]) -> dict[str, Json]:
    alternatives = _ALTERNATIVES.get(field, frozenset())
    named = {key for key in alternatives & patch.keys() if patch[key] is not None}
    merged = {
        key: value for key, value in base.items() if not named or key not in alternatives or key in named
    }
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge_value(key, merged.get(key), value)
    return merged


def _merge_value(field: str, base: Json, patch: Json) -> Json:
    if isinstance(patch, Mapping):
        return _merge_map(field, base if isinstance(base, Mapping) else {}, patch)
    if isinstance(patch, list) and isinstance(base, list) and field in MERGE_KEYS:
        return _merge_items(field, base, patch)
    if isinstance(patch, list):
        return [_merge_value("", None, item) for item in patch]
    return patch


def _merge_items(field: str, base: list[Json], patch: list[Json]) -> list[Json]:
    merged = list(base)
    places = {_identity(field, item): place for place, item in enumerate(base)}
    for item in patch:
        place = places.get(_identity(field, item))
        if place is None:
            merged.append(_merge_map(field, {}, item))
        else:
            ours = merged[place]
            if field in _RETAIN_KEYS:
                ours = {key: value for key, value in ours.items() if key in item}
            merged[place] = _merge_map(field, ours, item)
    return merged


def _identity(field: str, item: Mapping[str, Json]) -> tuple[Json, ...]:
    return tuple(item.get(key, _DEFAULTS.get(key)) for key in MERGE_KEYS[field])
