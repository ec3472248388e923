"""Estimates with their 95 % confidence intervals, from samples that are not independent.

Tokens of one request share its fate, and requests of one moment share the engine's, so samples are taken in
clusters: once by request and once by batch, the window cut into BATCHES equal spans. The less certain of the
two counts. A share is a ratio of cluster sums with the usual linearised variance (Cochran, Sampling
Techniques, 1977, chapter 6). Few clusters do not know their own variance well: its degrees of freedom are
their number less one. Batches that resemble the one before are worth fewer (Zwiers and von Storch, Journal of
Climate 8, 1995).

- A share is worth as many independent samples as would give its uncertainty (Korn and Graubard, Survey
  Methodology 24, 1998); its interval is Wilson's (JASA 22, 1927) of so many.
- A quantile's bounds are the samples at the ranks that bound it among so many; where there are too few of
  them, the upper end is open.
- A rate's are Student's over the batches (batch means: Law, Simulation Modeling and Analysis).
"""

import math
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress, pairwise
from typing import Self

from setpoint.loadgen.order_statistics import rank_above, rank_below
from setpoint.loadgen.report import Estimate, Latency, OpenEstimate
from setpoint.loadgen.student import two_sided
from setpoint.workload.quantiles import quantile

BATCHES = 20
SHARES = (0.5, 0.9, 0.95, 0.99)
_LEVEL = 0.95
_Z95 = 1.959964
_EVENTS_BEHIND_NONE = -math.log((1 - _LEVEL) / 2)
"""With more events expected than this, seeing none of them has a probability below 2.5 % (Poisson)."""
_MOST_CORRELATION = 0.9


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
        """Return the share of the values up to `threshold`, with its uncertainty."""
        within = [value <= threshold for value in self.values]
        count = len(within)
        share = sum(within) / count
        by_request, by_batch = (
            _residuals(Counter(compress(clusters, within)), Counter(clusters), share)
            for clusters in (self.requests, self.batches)
        )
        sums = _Sum.of_independent(by_request), _Sum.of_series(by_batch)
        return Share(
            share,
            count,
            error=max(each.error for each in sums) / count,
            half=max(each.half for each in sums) / count,
        )


@dataclass(frozen=True, slots=True)
class Share:
    """A share of samples that come in clusters."""

    value: float
    count: int
    error: float
    """Standard error."""
    half: float
    """Half of the 95 % interval: more than 1.96 errors, as few clusters do not know their own variance."""

    @property
    def effective_count(self) -> float:
        """Return how many independent samples would give this standard error; at most the count."""
        return self._worth(self.error)

    @property
    def assured_count(self) -> float:
        """Return how many independent samples would give this interval; at most the count."""
        return self._worth(self.half / _Z95)

    def _worth(self, error: float) -> float:
        return (
            min(float(self.count), self.value * (1 - self.value) / error**2) if error else float(self.count)
        )


def latency(samples: Samples) -> Latency | None:
    """Return the quantiles of the samples, which are not negative, or None when there are none."""
    if not samples.values:
        return None
    ordered = sorted(samples.values)
    p50, p90, p95, p99 = (_quantile_estimate(samples, ordered, share) for share in SHARES)
    mean = math.fsum(ordered) / len(ordered)
    return Latency(count=len(ordered), mean=mean, p50=p50, p90=p90, p95=p95, p99=p99)


def share_beyond(samples: Samples, threshold: float) -> Estimate | None:
    """Return the share of the values above `threshold`, or None when there are no values."""
    if not samples.values:
        return None
    within = samples.share_within(threshold)
    share, weight = 1 - within.value, _Z95**2 / max(1.0, within.assured_count)
    middle = (share + weight / 2) / (1 + weight)
    half = math.sqrt(weight * share * (1 - share) + weight**2 / 4) / (1 + weight)
    # At the ends the interval touches the share: rounding must not put it beyond.
    return Estimate(
        value=share, low=max(0.0, min(share, middle - half)), high=min(1.0, max(share, middle + half))
    )


def rate(counts: Sequence[float], window_seconds: float) -> Estimate:
    """Return the rate of events from how many fell into each batch of the window.

    The ends of the window fall between events by chance, so a count is not known better than by one; and
    where nothing happened the upper end is the rate that would have shown something with 97.5 %.
    """
    total = math.fsum(counts)
    mean = total / len(counts)
    half = max(1.0, _Sum.of_series([each - mean for each in counts]).half) if total else _EVENTS_BEHIND_NONE
    return Estimate(
        value=total / window_seconds,
        low=max(0.0, total - half) / window_seconds,
        high=(total + half) / window_seconds,
    )


def _quantile_estimate(samples: Samples, ordered: Sequence[float], share: float) -> OpenEstimate:
    value = quantile(ordered, share)
    within = samples.share_within(value)
    # With no value beyond, or all clusters alike, nothing tells how dependent the samples of one are.
    count = within.assured_count if within.error else float(len(set(samples.requests)))
    below, above = rank_below(share, count), rank_above(share, count)
    low = 0.0 if below is None else quantile(ordered, min(share, below / count))
    high = None if above is None else max(value, quantile(ordered, above / count))
    return OpenEstimate(value=value, low=low, high=high)


def _residuals(within: Mapping[int, int], sizes: Mapping[int, int], share: float) -> list[float]:
    """Return by how much each cluster, in order, has more within than the share of its size."""
    return [within.get(cluster, 0) - share * size for cluster, size in sorted(sizes.items())]


@dataclass(frozen=True, slots=True)
class _Sum:
    """How uncertain the sum of residuals is."""

    error: float
    """Standard error."""
    degrees: float
    """Of freedom, of its variance."""

    @classmethod
    def of_independent(cls, residuals: Sequence[float]) -> Self:
        """Return it for independent ones: infinite for a single one."""
        number = len(residuals)
        if number < 2:
            return cls(math.inf, 1)
        return cls(math.sqrt(math.fsum(each**2 for each in residuals) * number / (number - 1)), number - 1)

    @classmethod
    def of_series(cls, residuals: Sequence[float]) -> Self:
        """Return it for such as may each resemble the one before."""
        alone, worth = cls.of_independent(residuals), _worth(residuals)
        return cls(alone.error * math.sqrt(len(residuals) / worth), max(1.0, worth - 1))

    @property
    def half(self) -> float:
        """Half of the 95 % interval of the sum."""
        return self.error * two_sided(_LEVEL, self.degrees)


def _worth(series: Sequence[float]) -> float:
    """Return how many independent values the series is worth.

    With the lag-1 correlation r of an autoregressive series, n of them are worth n (1 - r) / (1 + r).
    """
    number, square = len(series), math.fsum(each**2 for each in series)
    if not square:
        return float(number)
    correlation = math.fsum(former * later for former, later in pairwise(series)) / square
    correlation += (1 + 3 * correlation) / number  # so far is it too low on average (Kendall, 1954)
    correlation = min(_MOST_CORRELATION, max(0.0, correlation))
    return number * (1 - correlation) / (1 + correlation)
