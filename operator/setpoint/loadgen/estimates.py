"""Estimates with their 95 % confidence intervals, from samples that are not independent.

Tokens of one request share its fate, and requests of one moment share the engine's, so samples are taken in
clusters: once by request and once by batch, the window cut into BATCHES equal spans. The wider of the two
intervals is given. A share is a ratio of cluster sums with the usual linearised variance (Cochran, Sampling
Techniques, 1977, chapter 6); a quantile's interval is that of its share, carried over to the values
(Woodruff, JASA 47, 1952); a rate's is Student's over the batches (batch means: Law, Simulation Modeling and
Analysis).
"""

import math
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress, pairwise

from setpoint.loadgen.report import Estimate, Latency
from setpoint.workload.quantiles import quantile

BATCHES = 20
_T_BATCHES = 2.093
"""Student's t at 97.5 % with BATCHES - 1 degrees of freedom."""
_MOST_CORRELATION = 0.9
SHARES = (0.5, 0.9, 0.95, 0.99)


@dataclass(slots=True)
class Samples:
    """Values of one latency, each with the request and the batch it belongs to."""

    values: "array[float]" = field(default_factory=lambda: array("d"))
    requests: "array[int]" = field(default_factory=lambda: array("q"))
    batches: "array[int]" = field(default_factory=lambda: array("q"))

    def add(self, value: float, request: int, batch: int) -> None:
        """Take a value."""
        self.values.append(value)
        self.requests.append(request)
        self.batches.append(batch)

    def share_within(self, threshold: float) -> "Share":
        """Return the share of the values up to `threshold`, with its standard error."""
        within = [value <= threshold for value in self.values]
        count = len(within)
        share = sum(within) / count
        by_request, by_batch = (
            _residuals(Counter(compress(clusters, within)), Counter(clusters), share)
            for clusters in (self.requests, self.batches)
        )
        errors = _error_of_sum(by_request), _error_of_sum(by_batch) * _inflation(by_batch)
        return Share(share, count, max(errors) / count)


@dataclass(frozen=True, slots=True)
class Share:
    """A share of samples that come in clusters."""

    value: float
    count: int
    error: float
    """Standard error."""

    @property
    def effective_count(self) -> float:
        """Return how many independent samples would give this standard error; at most the count."""
        if not self.error:
            return float(self.count)
        return min(float(self.count), self.value * (1 - self.value) / self.error**2)


def latency(samples: Samples) -> Latency | None:
    """Return the quantiles of the samples, or None when there are none."""
    if not samples.values:
        return None
    ordered = sorted(samples.values)
    p50, p90, p95, p99 = (_quantile_estimate(samples, ordered, share) for share in SHARES)
    mean = math.fsum(ordered) / len(ordered)
    return Latency(count=len(ordered), mean=mean, p50=p50, p90=p90, p95=p95, p99=p99)


def rate(counts: Sequence[float], window_seconds: float) -> Estimate:
    """Return the rate of events from how many fell into each batch of the window."""
    batch_seconds = window_seconds / len(counts)
    mean = math.fsum(counts) / len(counts)
    residuals = [each - mean for each in counts]
    half = _T_BATCHES * _error_of_sum(residuals) * _inflation(residuals) / len(counts)
    return Estimate(
        value=mean / batch_seconds,
        low=max(0.0, mean - half) / batch_seconds,
        high=(mean + half) / batch_seconds,
    )


def _quantile_estimate(samples: Samples, ordered: Sequence[float], share: float) -> Estimate:
    value = quantile(ordered, share)
    half = min(1.0, _T_BATCHES * samples.share_within(value).error)
    low, high = (quantile(ordered, min(1.0, max(0.0, share + side * half))) for side in (-1, 1))
    return Estimate(value=value, low=low, high=high)


def _residuals(within: Mapping[int, int], sizes: Mapping[int, int], share: float) -> list[float]:
    """Return by how much each cluster, in order, has more within than the share of its size."""
    return [within.get(cluster, 0) - share * size for cluster, size in sorted(sizes.items())]


def _error_of_sum(residuals: Sequence[float]) -> float:
    """Return the standard error of the sum of independent residuals; infinite for a single one."""
    number = len(residuals)
    if number < 2:
        return math.inf
    return math.sqrt(math.fsum(each**2 for each in residuals) * number / (number - 1))


def _inflation(series: Sequence[float]) -> float:
    """Return by how much the standard error of a sum grows as each value resembles the one before.

    By the lag-1 correlation r of an autoregressive series: sqrt((1 + r) / (1 - r)), for a positive r.
    """
    square = math.fsum(each**2 for each in series)
    if not square:
        return 1.0
    correlation = math.fsum(former * later for former, later in pairwise(series)) / square
    correlation = min(_MOST_CORRELATION, max(0.0, correlation))
    return math.sqrt((1 + correlation) / (1 - correlation))
