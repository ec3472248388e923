"""What an arm is, what it is told, and what all arms make of what they have seen."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

from benchmarks.tuner.replay.promise import Promise
from benchmarks.tuner.replay.table import Load
from benchmarks.tuner.replay.visit import Cell, Visit, middle

DEFAULT = Cell(1024, 8192)
"""What `vllm serve` starts with on an H100."""


class Arm(Protocol):
    """A way to choose limits. It is built for each seed, and sees the visits that it asked for alone."""

    def next(self, visits: Sequence[Visit], /) -> Cell | None:
        """Return the next cell to visit after these; None when it has settled."""

    def end(self, visits: Sequence[Visit], /) -> Cell:
        """Return the cell at which it ends after these."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What an arm is told at the start: which cells there are, and nothing of what they measure."""

    cells: tuple[Cell, ...]
    """In ascending order; not each pair of values need be one."""
    promise: Promise
    load: Load

    @property
    def start(self) -> Cell:
        """The cell nearest to the start values of `vllm serve`, 1024 sequences and 8192 tokens.

        Of those that exceed neither, if there are any; by the product of the ratios, and of equally near ones
        that with more sequences.
        """
        within = [cell for cell in self.cells if cell.seqs <= DEFAULT.seqs and cell.toks <= DEFAULT.toks]
        return min(within or self.cells, key=lambda cell: (_distance(cell, DEFAULT), -cell.seqs))


@dataclass(frozen=True, slots=True)
class Entry:
    """An arm of the registry."""

    build: Callable[[Problem, Random], Arm]
    """Makes it for a problem; all that it draws, it draws from that generator."""
    most_visits: int = 40
    """It is ended after so many if it has not settled."""


def nearest(cells: Sequence[Cell], wanted: Cell) -> Cell:
    """Return the cell that is nearest by the product of the ratios, of equally near ones the smallest."""
    return min(cells, key=lambda cell: (_distance(cell, wanted), cell))


def _distance(one: Cell, other: Cell) -> float:
    # Rounded, so that equal ratios are equally far whatever the order of the operations.
    return round(abs(math.log(one.seqs / other.seqs)) + abs(math.log(one.toks / other.toks)), 9)


def best_seen(problem: Problem, visits: Sequence[Visit]) -> Cell:
    """Return the cell with most tokens a second of those that were seen to keep the promise.

    A cell that was visited more often is known by the median of each figure. The start where none was seen
    to keep it: an arm that found nothing does not move.
    """
    by_cell: dict[Cell, list[Visit]] = {}
    for visit in visits:
        by_cell.setdefault(visit.cell, []).append(visit)
    known = map(middle, by_cell.values())
    kept = [each for each in known if problem.promise.is_kept(each)]
    return max(kept, key=lambda each: each.tok_s).cell if kept else problem.start
