"""The sweet spot of a run: the load up to which more load is worth having.

With an SLO: the highest load that kept it, as did every lower one; a load that passes above one that failed
is luck. Without an SLO: the knee of output tokens a second against the load, which is the point highest above
the line from the lightest load and least throughput to the heaviest and most (Kneedle without smoothing:
Satopää et al., "Finding a 'kneedle' in a haystack", 2011), so long as its noise leaves it above that line.

Where a capacity search found a rate, its own verdicts, which know how sure they are, stand for the SLO's: the
sweet spot is that rate, and never one above it.

A load whose stage is invalid says nothing and is passed over; one that is not stationary never wins. Where a
report has open and closed loops the open ones count: a closed loop slows down with the engine.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

from setpoint.compare.loads import Load, flaws, stages_by_load
from setpoint.loadgen.report import Capacity, Report, Stage

_FEWEST_FOR_A_KNEE = 3
_PREFERRED = ("rate", "trace", "clients")
_AT_CAPACITY = "sustainable rate of the capacity search"
_BELOW_CAPACITY = "highest below the sustainable rate with a valid, stationary stage"


@dataclass(frozen=True, slots=True)
class SweetSpot:
    """The stage to run at, if there is one."""

    load: Load | None
    stage: Stage | None
    reason: str
    """Why it is this one, or why there is none."""


def sweet_spot(report: Report) -> SweetSpot:
    """Return the sweet spot of a report."""
    stages = stages_by_load(report)
    valid = {load: stage for load, stage in stages.items() if not stage.invalid}
    if not valid:
        return SweetSpot(None, None, "no load was measured validly")
    kind = min((load.kind for load in valid), key=_PREFERRED.index)
    of_kind = {load: stage for load, stage in valid.items() if load.kind == kind}
    if report.slo is None:
        return _knee(of_kind)
    held = _shown_to_hold(report.capacity, report, of_kind) if report.capacity else None
    heaviest = max(load.size for load in stages if load.kind == kind)
    return held or _highest_that_kept_the_slo(of_kind, heaviest)


def _shown_to_hold(capacity: Capacity, report: Report, stages: Mapping[Load, Stage]) -> SweetSpot | None:
    """Return the stage of the sustainable rate, or of the next lower rate that holds and has a sound stage.

    None if the search found no rate. One that held above the sustainable rate is set aside, as by the search.
    """
    if capacity.rate_per_second is None:
        return None
    rate = capacity.rate_per_second.value
    verdicts = zip(capacity.stages, capacity.verdicts, strict=True)
    holding = [report.stages[index] for index, verdict in verdicts if verdict == "holds"]
    for load, stage in reversed(list(stages.items())):
        if stage in holding and load.size <= rate and not flaws(stage):
            return SweetSpot(load, stage, _AT_CAPACITY if load.size == rate else _BELOW_CAPACITY)
    return SweetSpot(
        None, None, "no rate that the capacity search showed to hold has a valid, stationary stage"
    )


def _highest_that_kept_the_slo(stages: Mapping[Load, Stage], heaviest: float) -> SweetSpot:
    """Judge the valid stages. `heaviest`: the size of the heaviest load that was tried, validly or not."""
    best: Load | None = None
    for _, same in groupby(stages, key=lambda load: load.size):
        loads = list(same)
        failed = [load for load in loads if flaws(stages[load]) or not stages[load].slo_met]
        if failed:
            why = _why_not(failed[0], stages[failed[0]])
            if best is None:
                return SweetSpot(None, None, f"no load kept the SLO: {why}")
            return SweetSpot(best, stages[best], f"highest that kept the SLO: {why}")
        best = max(loads, key=lambda load: stages[load].window_seconds)
    assert best is not None  # noqa: S101  stages is not empty
    beyond = "heavier ones were not measured validly" if heaviest > best.size else "the limit lies higher"
    return SweetSpot(best, stages[best], f"every valid load kept the SLO: {beyond}")


def _why_not(load: Load, stage: Stage) -> str:
    """Return why a valid stage did not keep the SLO, as its report has it."""
    if flaws(stage):
        return f"not stationary at {load}"
    verdict = "cannot be told" if stage.slo_met is None else "missed"
    return f"{verdict} at {load}" + (f" ({'; '.join(stage.unmet)})" if stage.unmet else "")


def _knee(stages: Mapping[Load, Stage]) -> SweetSpot:
    sizes = [load.size for load in stages]
    if len(set(sizes)) < _FEWEST_FOR_A_KNEE:
        return SweetSpot(None, None, f"none: a knee shows from {_FEWEST_FOR_A_KNEE} valid loads on")
    throughputs = [stage.output_tokens_per_second.value for stage in stages.values()]
    slope = (max(throughputs) - min(throughputs)) / (max(sizes) - min(sizes))
    above: dict[Load, float] = {}
    for load, stage in stages.items():
        line = min(throughputs) + slope * (load.size - min(sizes))
        if not flaws(stage) and stage.output_tokens_per_second.low > line:
            above[load] = stage.output_tokens_per_second.value - line
    if not above:
        return SweetSpot(None, None, "none: output tokens/s show no knee beyond their noise")
    knee = max(above, key=above.__getitem__)
    return SweetSpot(knee, stages[knee], "knee of output tokens/s (Kneedle): there is no SLO")
