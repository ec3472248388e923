"""Which samples bound a quantile: exact, whatever the values are distributed like.

Of n independent samples the one of rank r lies below a quantile q when at least r of them do: a binomial
probability (David and Nagaraja, Order Statistics, 2003, section 7.1). n and r may be effective numbers, and
so not whole. Where even the largest sample may lie below the quantile, it has no upper bound.
"""

from functools import lru_cache

from setpoint.workload.binomial import chance_of_at_least

_ALPHA = 0.025
"""Of each end of a 95 % interval."""
PRECISION = 1e-3
"""Of a rank."""


@lru_cache(maxsize=1024)
def rank_above(share: float, count: float) -> float | None:
    """Return the least rank, from 1, that lies above the quantile at `share` with 97.5 %, or None."""
    if count < 1 or share**count > _ALPHA:
        return None
    low, high = share * count, count
    while high - low > PRECISION:
        middle = (low + high) / 2
        if chance_of_at_least(middle, count, share) > _ALPHA:
            low = middle
        else:
            high = middle
    return high


def rank_below(share: float, count: float) -> float | None:
    """Return the greatest rank that lies below it with 97.5 %, or None when there is none."""
    above = rank_above(1 - share, count)
    return None if above is None else count + 1 - above
