"""Several runs against the first one: everything that a renderer shows, decided."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from setpoint.compare.cautions import cautions, notes
from setpoint.compare.cost import Price
from setpoint.compare.differences import Difference, Threshold, difference, threshold
from setpoint.compare.figures import FIGURES, SUSTAINABLE_RATE, Figure
from setpoint.compare.loads import common_loads, flaws, stages_by_load
from setpoint.compare.runs import Run, same_slo
from setpoint.compare.survivors import SOME_FAILED, fails_more, some_failed
from setpoint.compare.sweetspot import SweetSpot, sweet_spot
from setpoint.loadgen.report import OpenEstimate, Stage

_OTHER_SLO = "SLOs differ"


class Verdict(StrEnum):
    """What a difference from the first run means."""

    BETTER = "better"
    WORSE = "worse"
    NOISE = "within noise"
    NOT_JUDGED = "not judged"
    """A stage proves nothing, an estimate is missing or has no upper bound, the SLOs differ, or the lower
    latency is that of a run that failed more."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure of two runs, in the unit of its name."""

    name: str
    first: OpenEstimate | None
    second: OpenEstimate | None
    less_is_better: bool
    may_be_judged: bool
    remark: str = ""
    """Why it is not judged, or what qualifies the verdict, in a few words."""

    @property
    def difference(self) -> Difference | None:
        """The second less the first, with bounds at 95 % for this figure alone."""
        return difference(self.first, self.second) if self.first and self.second else None

    def verdict(self, limit: Threshold) -> Verdict:
        """Return what the difference means, given the threshold of the whole comparison."""
        found = self.difference
        if found is None or not self.may_be_judged:
            return Verdict.NOT_JUDGED
        if not limit.is_real(found):
            return Verdict.NOISE
        return Verdict.BETTER if (found.value < 0) == self.less_is_better else Verdict.WORSE


@dataclass(frozen=True, slots=True)
class Match:
    """Two runs under one load, or their capacity searches."""

    first: Run
    second: Run
    under: str
    """The load, or `capacity search`."""
    flaws: tuple[str, ...]
    """Why nothing is judged here, each beginning with the run; empty if all is."""
    figures: tuple[Compared, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is to be told of the runs."""

    runs: tuple[Run, ...]
    cautions: tuple[str, ...]
    notes: tuple[str, ...]
    """What is true of all of them, and keeps nothing from being compared."""
    sweet_spots: tuple[SweetSpot, ...]
    """One a run."""
    matches: tuple[Match, ...]
    judged: int
    """How many differences were held against their noise."""
    threshold: Threshold
    prices: tuple[Price, ...]
    """One a run, or none at all."""


def compare(runs: Sequence[Run], prices: Sequence[Price] = ()) -> Comparison:
    """Compare each run with the first; `prices` has one a run, or none at all."""
    matches = tuple(match for other in runs[1:] for match in _matches(runs[0], other))
    judged = [
        each.difference
        for match in matches
        for each in match.figures
        if each.may_be_judged and each.difference is not None
    ]
    return Comparison(
        runs=tuple(runs),
        cautions=tuple(cautions(runs, prices)),
        notes=tuple(notes(runs)),
        sweet_spots=tuple(sweet_spot(run.report) for run in runs),
        matches=matches,
        judged=len(judged),
        threshold=threshold(judged),
        prices=tuple(prices),
    )


def _matches(first: Run, second: Run) -> Iterator[Match]:
    comparable = same_slo([first, second])
    rate, other_rate = (SUSTAINABLE_RATE.shown(run.report) for run in (first, second))
    if rate and other_rate:
        remark = "" if comparable else _OTHER_SLO
        compared = Compared(SUSTAINABLE_RATE.name, rate, other_rate, False, comparable, remark)
        yield Match(first, second, "capacity search", (), (compared,))
    stages, others = stages_by_load(first.report), stages_by_load(second.report)
    for load in common_loads([first.report, second.report]):
        pair = (first, stages[load]), (second, others[load])
        found = tuple(f"{run.label} is {flaw}" for run, stage in pair for flaw in flaws(stage))
        figures = tuple(
            _compared(figure, *pair, same_slo=comparable, flawed=bool(found)) for figure in FIGURES
        )
        yield Match(first, second, str(load), found, figures)


def _compared(
    figure: Figure[Stage],
    first: tuple[Run, Stage],
    second: tuple[Run, Stage],
    *,
    same_slo: bool,
    flawed: bool,
) -> Compared:
    one, other = figure.shown(first[1]), figure.shown(second[1])
    obstacle = None
    if one is None or other is None or flawed:
        obstacle = ""
    elif figure.needs_same_slo and not same_slo:
        obstacle = _OTHER_SLO
    elif one.high is None or other.high is None:
        obstacle = "no upper bound"
    elif figure.tail is not None and one.value != other.value:
        slower, faster = (first, second) if other.value < one.value else (second, first)
        if fails_more(slower[1], faster[1], figure.tail):
            obstacle = f"{faster[0].label} failed more"
    remark = SOME_FAILED if figure.tail is not None and some_failed(first[1], second[1]) else ""
    return Compared(
        figure.name,
        one,
        other,
        figure.less_is_better,
        may_be_judged=obstacle is None,
        remark=remark if obstacle is None else obstacle,
    )
