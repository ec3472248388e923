"""Whether the difference of two estimates exceeds their noise.

The interval of a difference comes from the 95 % intervals of the two estimates by the method of variance
estimates recovery (Zou and Donner, "Construction of confidence limits about effect measures", Statistics in
Medicine 27, 2008): each bound combines the halves of the intervals that point towards it, so that a skewed
interval, such as that of a p99, keeps its skew. An open end leaves the difference open. The two runs are
taken as independent. Beyond 95 % the bounds grow as Student's distribution has it, with the degrees of
freedom of a load test's batches: an interval is no surer of its own width than that.

Of many comparisons some exceed 95 % bounds by chance. The false discovery rate is held instead (Benjamini and
Hochberg, 1995; it also holds for figures that move together, as percentiles of one latency do: Benjamini and
Yekutieli, 2001), and all intervals are shown at the level that this leaves (Benjamini and Yekutieli, 2005):
a difference is called real exactly when its interval leaves out zero.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from setpoint.loadgen.estimates import BATCHES
from setpoint.loadgen.report import OpenEstimate
from setpoint.loadgen.student import chance_beyond, two_sided

FALSE_DISCOVERY_RATE = 0.05
"""The share of the differences called real that is expected to be noise, at most."""
_DEGREES = BATCHES - 1
_T95 = two_sided(0.95, _DEGREES)


@dataclass(frozen=True, slots=True)
class Difference:
    """The second estimate less the first, and the bounds at 95 % for this difference alone."""

    value: float
    low: float
    high: float

    @property
    def p_value(self) -> float:
        """The probability of a difference this far from zero, either way, were there none."""
        if self.value == 0:
            return 1.0
        half = self.value - self.low if self.value > 0 else self.high - self.value
        return chance_beyond(_T95 * abs(self.value) / half, _DEGREES) if half > 0 else 0.0

    def at(self, level: float) -> "Difference":
        """Return the same difference with bounds at another level of confidence (0 to 1)."""
        scale = two_sided(level, _DEGREES) / _T95
        return Difference(
            self.value,
            self.value - scale * (self.value - self.low),
            self.value + scale * (self.high - self.value),
        )


def difference(first: OpenEstimate, second: OpenEstimate) -> Difference:
    """Return the second less the first; a bound may be infinite."""
    value = second.value - first.value
    return Difference(
        value,
        value - math.hypot(second.value - second.low, _above(first)),
        value + math.hypot(_above(second), first.value - first.low),
    )


def _above(estimate: OpenEstimate) -> float:
    return math.inf if estimate.high is None else estimate.high - estimate.value


@dataclass(frozen=True, slots=True)
class Threshold:
    """From which p-value on a difference counts as real."""

    p_value: float

    @property
    def level(self) -> float:
        """The confidence of the intervals that leave out zero exactly for real differences."""
        return 1 - self.p_value

    def is_real(self, found: Difference) -> bool:
        """Return whether a difference exceeds the noise."""
        return found.p_value <= self.p_value


def threshold(found: Sequence[Difference]) -> Threshold:
    """Return the threshold that holds the false discovery rate over all of these differences."""
    count = len(found)
    real = 1
    for rank, each in enumerate(sorted(each.p_value for each in found), start=1):
        if each <= rank * FALSE_DISCOVERY_RATE / count:
            real = rank
    return Threshold(real * FALSE_DISCOVERY_RATE / max(1, count))
