"""The figures of a stage that are compared."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Generic, TypeVar

from setpoint.loadgen.report import Latency, OpenEstimate, Report, Stage

PERCENTILES = ("p50", "p90", "p95", "p99")
Source = TypeVar("Source")


@dataclass(frozen=True, slots=True)
class Figure(Generic[Source]):
    """One estimate of something measured."""

    name: str
    of: Callable[[Source], OpenEstimate | None]
    """The estimate, or None where it was not measured."""
    factor: float = 1.0
    """From the report's unit to the one that is shown."""
    less_is_better: bool = False
    needs_same_slo: bool = False
    """Whether the figure depends on the SLO."""
    tail: float | None = None
    """Of a latency's percentile: the share of the samples that lies beyond it."""

    def shown(self, source: Source) -> OpenEstimate | None:
        """Return the estimate in the unit of the figure's name."""
        found = self.of(source)
        if found is None:
            return None
        return OpenEstimate(
            value=found.value * self.factor,
            low=found.low * self.factor,
            high=None if found.high is None else found.high * self.factor,
        )


def latency(name: str, percentile: str) -> Figure[Stage]:
    """Return a percentile, such as p95, of a latency by its field's name."""

    def of(stage: Stage) -> OpenEstimate | None:
        found: Latency | None = getattr(stage, name)
        return None if found is None else attrgetter(percentile)(found)

    tail = 1 - int(percentile[1:]) / 100
    return Figure(f"{name.upper()} {percentile}, ms", of, factor=1000, less_is_better=True, tail=tail)


TTFT_P95, ITL_P95 = latency("ttft", "p95"), latency("itl", "p95")
OUTPUT_TOKENS: Figure[Stage] = Figure("output tokens/s", attrgetter("output_tokens_per_second"))
GOODPUT: Figure[Stage] = Figure("goodput/s", attrgetter("goodput_per_second"), needs_same_slo=True)
FAILED: Figure[Stage] = Figure("failed, %", attrgetter("failed_share"), factor=100, less_is_better=True)
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
