"""Exact tests of a share that is counted, such as the share of late requests (Clopper and Pearson, 1934).

The counts may be effective ones, and so not whole: the binomial distribution is continued by the regularised
incomplete beta function (DLMF 8.17), computed by its continued fraction (Lentz's method).
"""

import math

_TINY = 1e-300
_PRECISION = 1e-12
_MOST_STEPS = 10_000


def chance_of_at_most(bad: float, count: float, share: float) -> float:
    """Return how probable it is to see at most `bad` of `count` when the true share is `share`.

    At alpha or below, the one-sided Clopper-Pearson bound at 1 - alpha shows the true share to be lower.
    """
    return 1.0 if bad >= count else regularised_beta(1 - share, count - bad, bad + 1)


def chance_of_at_least(bad: float, count: float, share: float) -> float:
    """Return how probable it is to see at least `bad` of `count` when the true share is `share`."""
    return 1.0 if bad <= 0 else regularised_beta(share, bad, count - bad + 1)


def regularised_beta(x: float, a: float, b: float) -> float:
    """Return I_x(a, b), for 0 <= x <= 1 and positive a and b."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - regularised_beta(1 - x, b, a)
    logarithm = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    return math.exp(logarithm) / a * _continued_fraction(x, a, b)


def _continued_fraction(x: float, a: float, b: float) -> float:
    """Return the continued fraction of DLMF 8.17.22."""
    c, d = 1.0, 1.0 / _off_zero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _MOST_STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for coefficient in (even, odd):
            d = 1.0 / _off_zero(1 + coefficient * d)
            c = _off_zero(1 + coefficient / c)
            value *= c * d
        if abs(c * d - 1) < _PRECISION:
            return value
    return value


def _off_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
