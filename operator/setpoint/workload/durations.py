"""Durations on a command line: as in the API, but with decimals, which thresholds often need."""

import re
from decimal import Decimal

from setpoint.api.scalars import DURATION_UNITS_SECONDS

_PART = re.compile(r"([0-9]{1,5}(?:\.[0-9]{1,9})?)(ms|h|m|s)", re.ASCII)
_DURATION = re.compile(rf"(?:{_PART.pattern}){{1,4}}", re.ASCII)


def duration_seconds(text: str) -> float:
    """Return the seconds of a duration such as `1h30m`, `0.5s` or `7.5ms`.

    Raises ValueError when `text` is not a duration.
    """
    if not _DURATION.fullmatch(text):
        raise ValueError(f"{text!r} is not a duration; write for example 1h30m, 90s, 0.5s or 7.5ms")
    return float(sum(Decimal(amount) * DURATION_UNITS_SECONDS[unit] for amount, unit in _PART.findall(text)))
