"""The figures of a stage that are compared."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Generic, TypeVar

from setpoint.loadgen.report import Estimate, Latency, Report, Stage

_Z95 = 1.959964
"""The normal quantile behind a two-sided 95 % interval."""
PERCENTILES = ("p50", "p90", "p95", "p99")
Source = TypeVar("Source")


@dataclass(frozen=True, slots=True)
class Figure(Generic[Source]):
    """One estimate of something measured."""

    name: str
    of: Callable[[Source], Estimate | None]
    """The estimate, or None where it was not measured."""
    factor: float = 1.0
    """From the report's unit to the one that is shown."""
    less_is_better: bool = False
    needs_same_slo: bool = False
    """Whether the figure depends on the SLO."""
    is_bounded: Callable[[Source], bool] = lambda _: True
    """Whether there were samples enough for an interval with two ends."""

    def shown(self, source: Source) -> Estimate | None:
        """Return the estimate in the unit of the figure's name."""
        found = self.of(source)
        if found is None:
            return None
        value, low, high = (each * self.factor for each in (found.value, found.low, found.high))
        return Estimate(value=value, low=low, high=high)


def failed_share(stage: Stage) -> Estimate | None:
    """Return the share of the offered requests that failed, with its Wilson score interval (Wilson, 1927)."""
    offered = stage.requests_offered
    if not offered:
        return None
    failed = min(offered, sum(stage.errors.values()))
    share, weight = failed / offered, _Z95**2 / offered
    middle = (share + weight / 2) / (1 + weight)
    half = math.sqrt(weight * share * (1 - share) + weight**2 / 4) / (1 + weight)
    # At the ends the interval touches the share: rounding must not put it beyond.
    return Estimate(
        value=share, low=max(0.0, min(share, middle - half)), high=min(1.0, max(share, middle + half))
    )


def fewest_samples(percentile: str) -> int:
    """Return how many samples a percentile, such as p99, needs for an upper bound at 97.5 %.

    With n independent samples the largest lies below a quantile q with probability q^n (order statistics):
    with fewer the interval ends at the largest sample, and looks narrower than it is.
    """
    return math.ceil(math.log(0.025) / math.log(int(percentile[1:]) / 100))


def latency(name: str, percentile: str) -> Figure[Stage]:
    """Return a percentile, such as p95, of a latency by its field's name."""

    def of(stage: Stage) -> Estimate | None:
        found: Latency | None = getattr(stage, name)
        return None if found is None else attrgetter(percentile)(found)

    def is_bounded(stage: Stage) -> bool:
        found: Latency | None = getattr(stage, name)
        return found is not None and found.count >= fewest_samples(percentile)

    return Figure(
        f"{name.upper()} {percentile}, ms", of, factor=1000, less_is_better=True, is_bounded=is_bounded
    )


TTFT_P95, ITL_P95 = latency("ttft", "p95"), latency("itl", "p95")
OUTPUT_TOKENS: Figure[Stage] = Figure("output tokens/s", attrgetter("output_tokens_per_second"))
GOODPUT: Figure[Stage] = Figure("goodput/s", attrgetter("goodput_per_second"), needs_same_slo=True)
FAILED: Figure[Stage] = Figure("failed, %", failed_share, factor=100, less_is_better=True)
FIGURES: tuple[Figure[Stage], ...] = (
    Figure("requests/s", attrgetter("requests_per_second")),
    GOODPUT,
    OUTPUT_TOKENS,
    FAILED,
    *(latency(name, percentile) for name in ("ttft", "itl", "tpot", "e2e") for percentile in PERCENTILES),
)
"""Of one stage, in the order of the tables."""

SUSTAINABLE_RATE: Figure[Report] = Figure(
    "sustainable rate/s",
    lambda report: report.capacity.rate_per_second if report.capacity else None,
    needs_same_slo=True,
)
"""Of a whole report: the bracket that a capacity search found, from the highest rate shown to hold to the
lowest shown not to; it stands for a 95 % interval.
"""
