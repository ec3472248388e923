"""Whether a stage kept its promise, missed it, or cannot tell; and why."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from setpoint.loadgen.promise import share_kept
from setpoint.loadgen.records import Record
from setpoint.loadgen.window import Window
from setpoint.workload.objectives import Metric, Objective, Slo


@dataclass(frozen=True, slots=True)
class SloVerdict:
    """On one window."""

    met: bool | None
    """None when it cannot be told: what was not measured is neither kept nor missed."""
    why_not: list[str]
    """Of each objective that was missed, or that cannot be told."""


def slo_verdict(slo: Slo, records: Sequence[Record], window: Window, taken: float) -> SloVerdict:
    """Return the verdict on a window. `taken`: when the records were taken, since the stage began."""
    missed: list[str] = []
    untold: list[str] = []
    for objective in slo.objectives:
        kept = share_kept(objective, records, window, taken)
        if kept is None:
            untold.append(f"{objective} cannot be told: {_why_untold(objective, records)}")
        elif kept.value * 100 < objective.percentile:
            percent = math.floor(kept.value * 10_000) / 100
            what = "gaps between chunks" if objective.metric is Metric.ITL else "requests"
            missed.append(f"{objective} missed: {percent:g} % of the {what} within it")
    return SloVerdict(False if missed else None if untold else True, missed + untold)


def _why_untold(objective: Objective, records: Sequence[Record]) -> str:
    if objective.metric is Metric.ITL and any(record.answered for record in records):
        return "no answer came in more than one chunk"
    return "no request was decided in the window"
