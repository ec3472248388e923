"""Student's distribution: how far a mean of few values strays (Student, Biometrika 6, 1908).

Its tails are a regularised incomplete beta function (DLMF 8.17), so the degrees of freedom need not be whole.
"""

import math
from functools import lru_cache

from setpoint.workload.binomial import regularised_beta

_FARTHEST = 1e15
_BISECTIONS = 40


def chance_beyond(t: float, degrees: float) -> float:
    """Return how probable a value at least as far from zero as `t` is, either way."""
    return regularised_beta(degrees / (degrees + t * t), degrees / 2, 0.5) if math.isfinite(t) else 0.0


@lru_cache
def two_sided(level: float, degrees: float) -> float:
    """Return how far from zero, either way, a share `level` (0 to 1) of the values lies at most."""
    low, high = 0.0, 1.0
    while chance_beyond(high, degrees) > 1 - level and high < _FARTHEST:
        low, high = high, high * 2
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if chance_beyond(middle, degrees) > 1 - level:
            low = middle
        else:
            high = middle
    return high
