"""Quantiles of what was measured: nearest rank, so that a quantile is always a value that was seen."""

import math
from collections.abc import Iterable, Sequence

_ROUNDING = 1e-9
"""So much a product of share and count may lie above the whole number that it stands for."""


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the least of the ascending `ordered` up to which a `share` (0 to 1) of them or more lie.

    Raises IndexError when there is none.
    """
    rank = math.ceil(share * len(ordered) - _ROUNDING)
    return ordered[max(0, rank - 1)]


def weighted_quantiles(weighted: Iterable[tuple[float, float]], shares: Sequence[float]) -> list[float]:
    """Return the quantiles at the ascending `shares` of values that each count with a weight above 0.

    With whole weights the result is `quantile` of each value repeated weight times. Raises IndexError when
    there is no value.
    """
    ordered = sorted(weighted)
    total = sum(weight for _, weight in ordered)
    found: list[float] = []
    reached = 0.0
    remaining = iter(shares)
    share = next(remaining, None)
    for value, weight in ordered:
        reached += weight
        while share is not None and reached >= share * total - _ROUNDING:
            found.append(value)
            share = next(remaining, None)
    return found + [ordered[-1][0]] * (len(shares) - len(found))
