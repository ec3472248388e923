"""One sample of a metric, wherever it was read."""

from collections.abc import Mapping
from typing import NamedTuple


class Series(NamedTuple):
    """A metric's name, its labels, and its value at one moment."""

    name: str
    labels: Mapping[str, str]
    value: float
