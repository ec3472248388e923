"""What a histogram tells of a threshold that is none of its edges.

A histogram counts values by the edges of its buckets, so how many lie beyond a threshold between two edges is
known within bounds only: of the bucket in which the threshold lies, all may be within it, or all beyond.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

Buckets: TypeAlias = Mapping[float, float]
"""How many values are at most an edge, by the edge in ascending order; the last edge is infinite."""


@dataclass(frozen=True)
class Beyond:
    """How many values lie beyond a threshold."""

    count: float
    """All values."""
    least_bad: float
    most_bad: float
    bad: float
    """By linear interpolation, as if the values of a bucket were spread evenly over it. Of the last bucket,
    which has no end, all are taken to lie beyond.
    """
    edges: tuple[float, float]
    """Of the bucket in which the threshold lies; an edge that is the threshold stands twice."""


def beyond(buckets: Buckets, threshold: float) -> Beyond:
    """Return how many values lie beyond a threshold of 0 or more, by buckets that have the infinite edge."""
    count = buckets[math.inf]
    below = max((edge for edge in buckets if edge <= threshold), default=0.0)
    above = min(edge for edge in buckets if edge >= threshold)
    most_bad = max(count - buckets.get(below, 0.0), 0.0)
    least_bad = min(max(count - buckets.get(above, 0.0), 0.0), most_bad)
    width = above - below
    share_beyond = (above - threshold) / width if 0 < width < math.inf else 1.0
    # Not from the upper end: of counts so far apart as floats can be, that would leave the bounds.
    bad = min(least_bad + share_beyond * (most_bad - least_bad), most_bad)
    return Beyond(count, least_bad, most_bad, bad, (below, above))


def combined(some: Buckets, others: Buckets, sign: int) -> dict[float, float]:
    """Return both histograms together, the second times `sign`.

    Where both have values it has the edges that are in both: one with fewer edges tells less, and no wrong.
    """
    edges = sorted(some.keys() & others.keys() if some and others else some.keys() | others.keys())
    return {edge: some.get(edge, 0.0) + sign * others.get(edge, 0.0) for edge in edges}
