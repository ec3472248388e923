"""What keeps figures from meaning what they seem to: said before any of them is shown."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter

from setpoint.compare.cost import Price
from setpoint.compare.figures import FAILED
from setpoint.compare.loads import Load, common_loads, flaws, stages_by_load
from setpoint.compare.runs import Run, promised
from setpoint.loadgen.report import Report, Workload

_WORK = [f"workload.{name}" for name in Workload.model_fields if name != "seed"]
"""Another seed is another draw of the same work."""
_SINGLE = 1.01
"""Tokens a chunk, up to which a chunk counts as one token."""


def cautions(runs: Sequence[Run], prices: Sequence[Price]) -> Iterator[str]:
    """Yield what a reader has to know first, a sentence each; one price a run, or none at all."""
    for field in (*_WORK, "target.model"):
        yield from _differing(runs, field, "figures of different work do not compare")
    unjudged = "goodput and sustainable rate are not judged"
    yield from _differing(runs, "slo", unjudged, same=promised)
    yield from _differing(runs, "itl_rule", unjudged)
    yield from _differing(runs, "machine", "how fast the client is shows in the latencies")
    if len(set(prices)) == 1:
        yield from _differing(
            runs,
            "label gpu",
            "one price counts for all of them",
            lambda report: report.target.settings.get("gpu"),
        )
    yield from _said(runs, lambda run: (*_about(run.report, runs[0]), *_own_notes(run, runs)))


def notes(runs: Sequence[Run]) -> Iterator[str]:
    """Yield what the load tests noted of themselves in all of the runs, a sentence each.

    It touches all of them alike. What only some noted sets them apart, and is among the cautions.
    """
    return _said(runs, lambda run: [each for each in run.report.notes if each not in _own_notes(run, runs)])


def _own_notes(run: Run, runs: Sequence[Run]) -> list[str]:
    kinds = set.intersection(*({_kind(note) for note in each.report.notes} for each in runs))
    return [note for note in run.report.notes if _kind(note) not in kinds]


def _kind(note: str) -> str:
    """Return the note without its figures, which two runs of one endpoint need not have in common."""
    return re.sub(r"[0-9.]+", "", note)


def _said(runs: Sequence[Run], of: Callable[[Run], Iterable[str]]) -> Iterator[str]:
    """Yield what is told of the runs, each sentence once with the labels of all that it is true of."""
    labels: dict[str, list[str]] = {}
    for run in runs:
        for sentence in of(run):
            labels.setdefault(sentence, []).append(run.label)
    yield from (f"{', '.join(names)}: {sentence}." for sentence, names in labels.items())


def _differing(
    runs: Sequence[Run],
    what: str,
    therefore: str,
    of: Callable[[Report], object] | None = None,
    same: Callable[[Report], object] | None = None,
) -> Iterator[str]:
    """Tell of a field (or, by `of`, of anything else) that is not the same in all the runs.

    `same`: what it means, where one thing can be written in several ways; the first is shown.
    """
    shown = of or attrgetter(what)
    first: dict[object, object] = {}
    labels: dict[object, list[str]] = {}
    for run in runs:
        meaning = (same or shown)(run.report)
        first.setdefault(meaning, shown(run.report))
        labels.setdefault(meaning, []).append(run.label)
    if len(labels) > 1:
        values = "; ".join(
            f"{', '.join(names)}: {'none' if first[meaning] is None else first[meaning]}"
            for meaning, names in labels.items()
        )
        yield f"{what} differs ({values}): {therefore}."


def _about(report: Report, first: Run) -> Iterator[str]:
    """Tell of one run, without its name: what is true of several is said once."""
    stages = stages_by_load(report)
    if not report.complete:
        yield "ended early, has what was measured until then"
    if not stages:
        yield "no stage, there is nothing to compare"
    elif report is not first.report and not common_loads([first.report, report]):
        yield f"no load in common with {first.label}, nothing is compared by load"
    if report.capacity and report.capacity.rate_per_second is None:
        yield f"the capacity search could not tell: {report.capacity.told}"
    chunked = _listed(
        (load, f"{stage.tokens_per_chunk:.3g}")
        for load, stage in stages.items()
        if stage.tokens_per_chunk > _SINGLE
    )
    if chunked:
        yield f"several tokens came at once at {chunked}: ITL is between chunks, compare TPOT"
    flawed = _listed((load, "; ".join(flaws(stage))) for load, stage in stages.items() if flaws(stage))
    if flawed:
        yield f"not judged: {flawed}"
    failed = _listed(
        (load, f"{share.value:.3g} %")
        for load, stage in stages.items()
        if (share := FAILED.shown(stage)) and share.value > 0
    )
    if failed:
        yield f"requests failed at {failed}: latencies are those of the others"


def _listed(found: Iterable[tuple[Load, str]]) -> str:
    return ", ".join(f"{load} ({what})" for load, what in found)
