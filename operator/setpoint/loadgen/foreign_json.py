"""JSON of an endpoint that may say anything: what is wrong with it is a ValueError, whatever it is."""

import json
from typing import Any

_MOST_TOKENS = 2**31
"""Beyond any context; figures that are summed up stay exact."""


def parse(text: bytes) -> Any:
    """Return the value. Raises ValueError when it is no JSON, or JSON nested too deeply to be read."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("JSON nested too deeply") from None


def token_count(value: object) -> int:
    """Return a number of tokens; 0 for none given. Raises ValueError when it cannot be one."""
    if value is None:
        return 0
    if type(value) is not int or not 0 <= value < _MOST_TOKENS:
        raise ValueError(f"{str(value)[:40]!r} is no number of tokens")
    return value
