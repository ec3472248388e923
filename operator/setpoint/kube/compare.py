"""Does a live object say what we want of it?

The API server fills in defaults, drops empty values and rewrites quantities, and others may add labels,
annotations or containers; none of that is a difference. So two questions are asked: is every field of ours in
the live object, with the same meaning, and was the live object last written from this very manifest (a hash
in an annotation), which finds the field that we do not render any more.
"""

import hashlib
import json
import re
from collections.abc import Callable, Hashable, Mapping
from fractions import Fraction
from operator import itemgetter
from typing import Any

from setpoint.kube.objects import Object

_QUANTITY = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:[eE]([+-]?[0-9]{1,3})|([a-zA-Z]*))")
_FACTORS = {
    **{
        suffix: Fraction(1000) ** power
        for power, suffix in enumerate(("n", "u", "m", "", *"kMGTPE"), start=-3)
    },
    **{suffix + "i": Fraction(1024) ** power for power, suffix in enumerate("KMGTPE", start=1)},
}

_QUANTITY_MAPS = frozenset({"limits", "requests", "capacity", "allocatable", "hard", "overhead"})
"""Fields whose every value is a quantity."""
_QUANTITY_FIELDS = frozenset({"sizeLimit", "divisor", "storage"})
"""Fields that are a quantity themselves."""

_LIST_KEYS: Mapping[str, Callable[[Object], Hashable]] = {
    "containers": itemgetter("name"),
    "initContainers": itemgetter("name"),
    "env": itemgetter("name"),
    "volumes": itemgetter("name"),
    "imagePullSecrets": itemgetter("name"),
    "volumeMounts": itemgetter("mountPath"),
    "volumeDevices": itemgetter("devicePath"),
    "ports": lambda port: (port.get("containerPort") or port.get("port"), port.get("protocol", "TCP")),
    "ownerReferences": itemgetter("uid"),
    "hostAliases": itemgetter("ip"),
}
"""Lists that the API merges by key (`x-kubernetes-list-map-keys`): order and strangers do not matter."""

_ATOMIC_MAPS = frozenset({"selector", "labelSelector", "namespaceSelector", "matchLabels", "nodeSelector"})
"""Maps that the API takes as a whole (`x-kubernetes-map-type: atomic`): one more key means something else."""


def manifest_hash(manifest: Object) -> str:
    """A short name for the whole manifest: the same for the same content, whatever the order of its keys."""
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def differs(
    desired: Object,
    live: Object,
    hash_annotation: str,
    *,
    kept: Callable[[Object], Object] = lambda manifest: manifest,
) -> bool:
    """True when `desired` has to be applied again.

    `hash_annotation` names the annotation of the live object that holds the `manifest_hash` it was applied
    from. `kept` cuts an object to what the cache keeps of it, where `live` is cut so.
    """
    annotations = live["metadata"].get("annotations") or {}
    return annotations.get(hash_annotation) != manifest_hash(desired) or not _contains(
        live, kept(desired), ""
    )


def _contains(live: Any, desired: Any, field: str) -> bool:
    """Does the live value of this field say everything that the desired one does?"""
    if live is None:
        # The API server does not store zero values of most fields: absent means the same.
        return not desired
    if isinstance(desired, dict):
        return isinstance(live, dict) and _contains_map(live, desired, field)
    if isinstance(desired, list):
        return isinstance(live, list) and _contains_list(live, desired, field)
    if field in _QUANTITY_MAPS or field in _QUANTITY_FIELDS:
        return _same_quantity(live, desired)
    return bool(live == desired)


def _contains_map(live: Object, desired: Object, field: str) -> bool:
    if field in _ATOMIC_MAPS and not live.keys() <= desired.keys():
        return False
    return all(
        _contains(live.get(name), value, field if field in _QUANTITY_MAPS else name)
        for name, value in desired.items()
    )


def _contains_list(live: list[Any], desired: list[Any], field: str) -> bool:
    key_of = _LIST_KEYS.get(field)
    if key_of is not None and all(isinstance(item, dict) for item in desired):
        by_key = {key_of(item): item for item in live}
        return all(key_of(item) in by_key and _contains(by_key[key_of(item)], item, "") for item in desired)
    return len(live) == len(desired) and all(
        _contains(*pair, field) for pair in zip(live, desired, strict=True)
    )


def _same_quantity(live: Any, desired: Any) -> bool:
    if live == desired:
        return True
    amounts = _amount(str(live)), _amount(str(desired))
    return None not in amounts and amounts[0] == amounts[1]


def _amount(quantity: str) -> Fraction | None:
    """The number a quantity stands for, by the rules of apimachinery's `resource.Quantity`, or None."""
    match = _QUANTITY.fullmatch(quantity)
    if match is None:
        return None
    number, exponent, suffix = match.groups()
    if exponent is not None:
        return Fraction(number) * Fraction(10) ** int(exponent)
    factor = _FACTORS.get(suffix)
    return None if factor is None else Fraction(number) * factor
