"""The stages of a report by their load, so that two reports can be matched."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from setpoint.compare.words import printable
from setpoint.loadgen.report import ClosedLoop, OpenLoop, Replay, Report, Stage


@dataclass(frozen=True, slots=True, order=True)
class Load:
    """What a stage was put under; sorts by kind, then from light to heavy."""

    kind: str
    """`clients` (closed loop), `rate` (open loop) or `trace` (replay)."""
    size: float
    """Clients, or requests a second."""
    pattern: str = ""
    """How the requests of an open loop or a replay come."""
    occurrence: int = 1
    """Counts from 1 where a report has the same load several times."""

    @classmethod
    def of(cls, stage: Stage) -> Self:
        """Return the load of one stage."""
        match stage.load:
            case ClosedLoop(clients=clients):
                return cls("clients", clients)
            case OpenLoop(rate_per_second=rate, arrivals=arrivals):
                return cls("rate", rate, "" if arrivals == "poisson" else arrivals)
            case Replay(rate_per_second=rate, trace=trace, speed=speed):
                return cls("trace", rate, f"of {trace} at speed {speed:g}")

    def __str__(self) -> str:
        """Return the load as people write it; Poisson, the usual pattern, goes without saying."""
        unit = "requests/s" if self.kind != "clients" else "client" if self.size == 1 else "clients"
        words = [
            f"{self.size:g}",
            unit,
            printable(self.pattern),  # a trace has the name of a file
            f"(no. {self.occurrence})" if self.occurrence > 1 else "",
        ]
        return " ".join(filter(None, words))


def stages_by_load(report: Report) -> dict[Load, Stage]:
    """Return the stages, ordered by load; a capacity search's first guesses (`probe`) are no results."""
    seen: Counter[Load] = Counter()
    found: dict[Load, Stage] = {}
    for stage in (stage for stage in report.stages if not stage.probe):
        load = Load.of(stage)
        seen[load] += 1
        found[replace(load, occurrence=seen[load])] = stage
    return dict(sorted(found.items()))


def common_loads(reports: Sequence[Report]) -> list[Load]:
    """Return the loads that all the reports have, from light to heavy."""
    return sorted(set.intersection(*(set(stages_by_load(report)) for report in reports)))


def flaws(stage: Stage) -> tuple[str, ...]:
    """Return why the figures of a stage prove nothing about the endpoint at this load; empty if they do."""
    unsteady = (
        () if stage.stationary else (f"not stationary: {', '.join(stage.unsteady) or 'no reason given'}",)
    )
    return (*(f"invalid: {reason}" for reason in stage.invalid), *unsteady)
