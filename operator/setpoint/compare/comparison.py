"""Several runs against the first one: everything that a renderer shows, decided."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from setpoint.compare.cautions import cautions, notes
from setpoint.compare.cost import Price
from setpoint.compare.differences import Difference, Threshold, difference, threshold
from setpoint.compare.figures import FIGURES, SUSTAINABLE_RATE, Figure
from setpoint.compare.loads import common_loads, flaws, stages_by_load
from setpoint.compare.runs import Run, same_slo
from setpoint.compare.sweetspot import SweetSpot, sweet_spot
from setpoint.loadgen.report import Estimate

Source = TypeVar("Source")


class Verdict(StrEnum):
    """What a difference from the first run means."""

    BETTER = "better"
    WORSE = "worse"
    NOISE = "within noise"
    NOT_JUDGED = "not judged"
    """A stage proves nothing, one of the two has no or too few samples of it, or the SLOs differ."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure of two runs, in the unit of its name."""

    name: str
    first: Estimate | None
    second: Estimate | None
    less_is_better: bool
    may_be_judged: bool

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
    rate = _compared(SUSTAINABLE_RATE, first.report, second.report, same_slo=comparable)
    if rate.first and rate.second:
        yield Match(first, second, "capacity search", (), (rate,))
    stages, others = stages_by_load(first.report), stages_by_load(second.report)
    for load in common_loads([first.report, second.report]):
        found = tuple(
            f"{run.label} is {flaw}"
            for run, stage in ((first, stages[load]), (second, others[load]))
            for flaw in flaws(stage)
        )
        figures = tuple(
            _compared(figure, stages[load], others[load], same_slo=comparable, flawed=bool(found))
            for figure in FIGURES
        )
        yield Match(first, second, str(load), found, figures)


def _compared(
    figure: Figure[Source], first: Source, second: Source, *, same_slo: bool, flawed: bool = False
) -> Compared:
    return Compared(
        figure.name,
        figure.shown(first),
        figure.shown(second),
        figure.less_is_better,
        may_be_judged=not flawed
        and (same_slo or not figure.needs_same_slo)
        and figure.is_bounded(first)
        and figure.is_bounded(second),
    )
