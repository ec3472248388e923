"""Whether a window measures a steady state: where the warm-up ends, and whether anything moves after it.

- The warm-up, half of the stage at most, is cut where the mean of the rest is known best: MSER (White,
  Simulation 69, 1997). It is one only if it lies below the rest: to cut a busy time at the beginning would
  leave the calm ones to be measured.
- A trend is one by Mann and Kendall's test at 1 % which also changes the figure by a quarter of its level
  over the window (Theil and Sen's slope): a small drift that a long window can prove harms nobody.
- The queue fills when completions fall behind arrivals by more than 2 % and by more than chance: with a
  steady number N under way, of Poisson's kind, its difference between two moments has the variance 2 N.
"""

import math
from collections.abc import Sequence
from itertools import combinations
from statistics import fmean, median

_MOST_CHANGE = 0.25
_TREND_Z = 2.576
"""Two-sided 1 %."""
_MOST_BEHIND = 0.02
_BEHIND_Z = 2.326
"""One-sided 1 %."""


def warm_up_length(series: Sequence[float]) -> int:
    """Return how many values at the beginning of the series belong to a rise from less; at most half."""
    scores: list[float] = []  # by how many values are left: the squared standard error of their mean
    total = square = 0.0
    for count, value in enumerate(reversed(series), 1):
        total, square = total + value, square + value * value
        scores.append(max(0.0, square - total * total / count) / count**2)
    candidates = scores[: len(series) - len(series) // 2 - 2 : -1]
    length = candidates.index(min(candidates)) if candidates else 0
    return length if length and fmean(series[:length]) < fmean(series[length:]) else 0


def trend(series: Sequence[float]) -> tuple[float, float] | None:
    """Return the levels that the series moves from and to, or None if it does not move.

    Each is the median of a quarter, the first and the last: a line through all would run below zero where the
    series falls steeply at first.
    """
    if len(series) < 8 or not (level := abs(median(series))):
        return None
    pairs = [(later - former, j - i) for (i, former), (j, later) in combinations(enumerate(series), 2)]
    score = sum((difference > 0) - (difference < 0) for difference, _ in pairs)
    n = len(series)
    z = (abs(score) - 1) / math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    change = median(difference / distance for difference, distance in pairs) * (n - 1) / level
    if z <= _TREND_Z or abs(change) <= _MOST_CHANGE:
        return None
    return median(series[: n // 4]), median(series[-(n // 4) :])


def behind(offered: int, completed: int, under_way: Sequence[float]) -> bool:
    """Return whether completions fall behind arrivals; `under_way`: how many were so at moments between."""
    short = offered - completed
    chance = _BEHIND_Z * math.sqrt(2 * fmean(under_way)) if under_way else 0.0
    return short > max(_MOST_BEHIND * offered, chance)
