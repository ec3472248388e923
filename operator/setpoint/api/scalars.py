"""Strings with a unit or a grammar: durations, quantities, names of Kubernetes objects.

Kubernetes discourages floats in an API (API conventions, "Primitive types"), so an amount is a string with its
unit, checked by CEL at admission and by the same grammar here.
"""

import re
from decimal import Decimal
from typing import Annotated

from pydantic import Field, StringConstraints

from setpoint.api.rules import Rule, Ruled

_DURATION_UNITS_SECONDS = {
    "h": Decimal(3600),
    "m": Decimal(60),
    "s": Decimal(1),
    "ms": Decimal("0.001"),
}
_DURATION_PART = re.compile(r"(\d+)(ms|h|m|s)")
_DURATION = r"^([0-9]{1,6}(h|m|s|ms))+$"
_BINARY_UNITS_BYTES = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_BINARY_QUANTITY = r"^[1-9][0-9]{0,8}(Ki|Mi|Gi|Ti)$"
_SUBDOMAIN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"


def duration_seconds(text: str) -> float:
    """Return the seconds of a duration such as `1h30m` or `500ms` (the grammar of Go's time.ParseDuration).

    Raises ValueError when `text` is not a duration.
    """
    if not re.fullmatch(_DURATION, text):
        raise ValueError(f"{text!r} is not a duration; write for example 90s, 30m or 1h30m")
    return float(sum(int(amount) * _DURATION_UNITS_SECONDS[unit] for amount, unit in _DURATION_PART.findall(text)))


def quantity_bytes(text: str) -> int:
    """Return the bytes of a binary quantity such as `2Mi` or `4Gi`.

    Raises ValueError when `text` is not one.
    """
    if not re.fullmatch(_BINARY_QUANTITY, text):
        raise ValueError(f"{text!r} is not a binary quantity; write for example 512Mi or 4Gi")
    return int(text[:-2]) * _BINARY_UNITS_BYTES[text[-2:]]


def duration_between(least: str, most: str) -> Ruled:
    """Return the rule that a duration lies within [least, most]."""
    low, high = duration_seconds(least), duration_seconds(most)
    return Ruled(
        Rule(
            f"duration(self) >= duration('{least}') && duration(self) <= duration('{most}')",
            f"must be a duration from {least} to {most}",
            lambda text: low <= duration_seconds(text) <= high,
        )
    )


DurationText = Annotated[str, StringConstraints(pattern=_DURATION, max_length=32)]
"""A duration with units, such as `90s`, `30m` or `1h30m`."""

BinaryQuantity = Annotated[
    str,
    StringConstraints(pattern=_BINARY_QUANTITY, max_length=16),
    Ruled(Rule("isQuantity(self)", "must be a quantity such as 512Mi or 4Gi", lambda text: quantity_bytes(text) > 0)),
]
"""A whole number of binary units, such as `2Mi` or `4Gi`."""

ObjectName = Annotated[str, StringConstraints(pattern=_SUBDOMAIN, min_length=1, max_length=253)]
"""The name of a Kubernetes object (RFC 1123 subdomain)."""

SecretKey = Annotated[str, Field(pattern=r"^[-._a-zA-Z0-9]+$", min_length=1, max_length=253)]
"""A key within a Secret's data."""

Printable = r"^[^\x00-\x1f\x7f]+$"
"""One line of text: no control characters."""
