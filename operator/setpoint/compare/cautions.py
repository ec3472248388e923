"""What keeps figures from meaning what they seem to: said before any of them is shown."""

from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter

from setpoint.compare.cost import Price
from setpoint.compare.figures import FAILED
from setpoint.compare.loads import common_loads, flaws, stages_by_load
from setpoint.compare.runs import Run
from setpoint.loadgen.report import Report, Workload

_WORK = [f"workload.{name}" for name in Workload.model_fields if name != "seed"]
"""Another seed is another draw of the same work."""
_SINGLE = 1.01
"""Tokens a chunk, up to which a chunk counts as one token."""


def cautions(runs: Sequence[Run], prices: Sequence[Price]) -> Iterator[str]:
    """Yield what a reader has to know first, a sentence each; one price a run, or none at all."""
    for field in (*_WORK, "target.model"):
        yield from _differing(runs, field, "figures of different work do not compare")
    for field in ("slo", "itl_rule"):
        yield from _differing(runs, field, "goodput and sustainable rate are not judged")
    yield from _differing(runs, "machine", "how fast the client is shows in the latencies")
    if len(set(prices)) == 1:
        yield from _differing(
            runs,
            "label gpu",
            "one price counts for all of them",
            lambda report: report.target.settings.get("gpu"),
        )
    for run in runs:
        yield from _about(run)
    for other in runs[1:]:
        if not common_loads([runs[0].report, other.report]):
            yield f"{other.label} and {runs[0].label} have no load in common: nothing is compared by load."


def _differing(
    runs: Sequence[Run], what: str, therefore: str, of: Callable[[Report], object] | None = None
) -> Iterator[str]:
    """Tell of a field (or, by `of`, of anything else) that is not the same in all the runs."""
    labels: dict[object, list[str]] = {}
    for run in runs:
        labels.setdefault((of or attrgetter(what))(run.report), []).append(run.label)
    if len(labels) > 1:
        values = "; ".join(
            f"{', '.join(names)}: {'none' if value is None else value}" for value, names in labels.items()
        )
        yield f"{what} differs ({values}): {therefore}."


def _about(run: Run) -> Iterator[str]:
    stages = stages_by_load(run.report)
    if not run.report.complete:
        yield f"{run.label} was interrupted: it has what was measured until then."
    if not stages:
        yield f"{run.label} has no stage: there is nothing to compare."
    yield from (f"{run.label}: {note}" for note in run.report.notes)
    if run.report.capacity and run.report.capacity.rate_per_second is None:
        yield f"{run.label}'s capacity search could not tell: {run.report.capacity.told}"
    chunked = [
        f"{stage.tokens_per_chunk:.3g} at {load}"
        for load, stage in stages.items()
        if stage.tokens_per_chunk > _SINGLE
    ]
    if chunked:
        yield (
            f"{run.label} got several tokens at once ({', '.join(chunked)}): its ITL is between chunks; "
            "compare the TPOT."
        )
    flawed = [f"{load} ({'; '.join(flaws(stage))})" for load, stage in stages.items() if flaws(stage)]
    if flawed:
        yield f"{run.label} has stages that are not judged: {', '.join(flawed)}."
    failed = [
        f"{share.value:.3g} % at {load}"
        for load, stage in stages.items()
        if (share := FAILED.shown(stage)) and share.value > 0
    ]
    if failed:
        yield f"{run.label} failed requests, and its latencies are of the others only: {', '.join(failed)}."
