"""Additive increase, multiplicative decrease of the sequences, as adaptive concurrency limits do it.

From the start, at the start's budget of tokens: a missed promise halves the sequences, a kept one raises them
by the grid's next step (the least that it allows). It has settled where the next step was visited before: an
endless one would go to and fro there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from benchmarks.tuner.replay.arm import Problem, best_seen
from benchmarks.tuner.replay.visit import Cell, Visit


@dataclass(frozen=True, slots=True)
class Aimd:
    """Moves the sequences alone, whatever objective is missed."""

    problem: Problem

    def next(self, visits: Sequence[Visit]) -> Cell | None:
        """Return the cell that the last visit asks for, unless it was visited."""
        if not visits:
            return self.problem.start
        last = visits[-1]
        asked = self._above(last.cell) if self.problem.promise.is_kept(last) else self._half(last.cell)
        return None if any(asked == visit.cell for visit in visits) else asked

    def end(self, visits: Sequence[Visit]) -> Cell:
        """Return the best that was seen."""
        return best_seen(self.problem, visits)

    def _above(self, cell: Cell) -> Cell | None:
        above = [each for each in self._column() if each.seqs > cell.seqs]
        return min(above, default=None)

    def _half(self, cell: Cell) -> Cell | None:
        """Return the cell with half the sequences or the most below; the fewest where all have more."""
        below = [each for each in self._column() if each.seqs < cell.seqs]
        within = [each for each in below if 2 * each.seqs <= cell.seqs]
        return max(within or below[:1], default=None)

    def _column(self) -> list[Cell]:
        return [cell for cell in self.problem.cells if cell.toks == self.problem.start.toks]


def aimd(problem: Problem, _: Random) -> Aimd:
    """Return the arm."""
    return Aimd(problem)
