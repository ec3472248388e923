"""Strings with a unit or a grammar: durations, quantities, names of Kubernetes objects.

Kubernetes discourages floats in an API (API conventions, "Primitive types"), so an amount is a string with
its unit, checked by CEL at admission and by the same grammar here.
"""

import re
from decimal import Decimal
from typing import Annotated

from pydantic import StringConstraints

from setpoint.api.rules import Rule, Ruled, matches, matches_cel

DURATION_UNITS_SECONDS = {
    "h": Decimal(3600),
    "m": Decimal(60),
    "s": Decimal(1),
    "ms": Decimal("0.001"),
}
_DURATION_PART = re.compile(r"([0-9]+)(ms|h|m|s)")
_DURATION = r"([0-9]{1,5}(h|m|s|ms)){1,4}"
"""So bounded that no duration overflows the nanoseconds in which CEL counts."""
_BINARY_UNITS_BYTES = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
BINARY_QUANTITY = r"[1-9][0-9]{0,5}(Ki|Mi)|[1-9][0-9]{0,4}Gi|[1-9][0-9]?Ti"
"""So bounded that CEL makes an integer of it: apimachinery's ParseQuantity does so for few digits only."""
LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
"""RFC 1123."""
SUBDOMAIN = rf"{LABEL}(\.{LABEL})*"
"""RFC 1123."""


def duration_seconds(text: str) -> float:
    """Return the seconds of a duration such as `1h30m` or `500ms` (the grammar of Go's time.ParseDuration).

    Raises ValueError when `text` is not a duration.
    """
    if not re.fullmatch(_DURATION, text):
        raise ValueError(f"{text!r} is not a duration; write for example 90s, 30m or 1h30m")
    return float(
        sum(int(amount) * DURATION_UNITS_SECONDS[unit] for amount, unit in _DURATION_PART.findall(text))
    )


def quantity_bytes(text: str) -> int:
    """Return the bytes of a binary quantity such as `2Mi` or `4Gi`.

    Raises ValueError when `text` is not one.
    """
    if not re.fullmatch(BINARY_QUANTITY, text):
        raise ValueError(f"{text!r} is not a binary quantity; write for example 512Mi or 4Gi")
    return int(text[:-2]) * _BINARY_UNITS_BYTES[text[-2:]]


def duration_cel(value: str) -> str:
    """Return the CEL condition that `value`, itself CEL, is a duration."""
    return matches_cel(value, _DURATION)


def duration_between(least: str, most: str) -> Ruled:
    """Return the rule that a text is a duration within [least, most]."""
    low, high = duration_seconds(least), duration_seconds(most)
    within = f"duration(self) >= duration('{least}') && duration(self) <= duration('{most}')"
    return Ruled(
        Rule(
            f"{duration_cel('self')} && {within}",
            f"must be a duration from {least} to {most}, such as 90s or 1h30m",
            lambda text: re.fullmatch(_DURATION, text) is not None and low <= duration_seconds(text) <= high,
        )
    )


DurationText = Annotated[str, StringConstraints(max_length=32)]
"""A duration with units, such as `90s`, `30m` or `1h30m`; always with `duration_between`."""

BinaryQuantity = Annotated[
    str,
    StringConstraints(max_length=16),
    Ruled(
        matches(
            BINARY_QUANTITY, "must be a whole number of Ki, Mi, Gi or Ti, such as 4Gi, and at most 99999Gi"
        )
    ),
]
"""A whole number of binary units, such as `2Mi` or `4Gi`."""

Price = Annotated[
    str,
    StringConstraints(max_length=16),
    Ruled(matches(r"[0-9]{1,6}(\.[0-9]{1,6})?", "must be an amount such as 2 or 2.49, without a currency")),
]
"""An amount of money, in whatever currency: what is made of it is in the same."""

ObjectName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=253),
    Ruled(
        matches(
            SUBDOMAIN,
            "must be an object's name: lower-case letters, digits, dots and -, and no dot or - at the ends",
        )
    ),
]
"""The name of a Kubernetes object (RFC 1123 subdomain)."""

SecretKey = Annotated[
    str,
    StringConstraints(min_length=1, max_length=253),
    Ruled(matches(r"[-._a-zA-Z0-9]+", "must be a key of a Secret: letters, digits, dots, - and _")),
]
"""A key within a Secret's data."""

PrintableText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=253),
    Ruled(matches(r"[^\x00-\x1f\x7f]+", "must be one line without control characters")),
]
"""One line of text."""
