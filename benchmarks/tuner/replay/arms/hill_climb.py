"""An online hill climb on goodput, in the manner of SLO-Tuner (arXiv 2603.11340).

From the start it tries one step of one knob in a direction drawn by chance, stays where it is better, and has
settled when none of up to four steps is. Better is more tokens a second where the promise is kept; where it
is missed, to be less beyond it, since a table has no goodput.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from benchmarks.tuner.replay.arm import Problem, best_seen
from benchmarks.tuner.replay.visit import Cell, Visit


@dataclass(frozen=True, slots=True)
class HillClimb:
    """Knows each cell by the one visit that it paid it."""

    problem: Problem
    random: Random

    def next(self, visits: Sequence[Visit]) -> Cell | None:
        """Return a step from the best cell so far that was not tried yet."""
        if not visits:
            return self.problem.start
        tried = {visit.cell for visit in visits}
        steps = [cell for cell in self._steps(max(visits, key=self._goodness).cell) if cell not in tried]
        return self.random.choice(steps) if steps else None

    def end(self, visits: Sequence[Visit]) -> Cell:
        """Return the best that was seen."""
        return best_seen(self.problem, visits)

    def _goodness(self, visit: Visit) -> tuple[bool, float]:
        if self.problem.promise.is_kept(visit):
            return True, visit.tok_s
        return False, -max(self.problem.promise.shares(visit))

    def _steps(self, of: Cell) -> Iterator[Cell]:
        """Yield the next cell in each of the four directions that the grid has."""
        cells = self.problem.cells
        row = [cell.toks for cell in cells if cell.seqs == of.seqs]
        column = [cell.seqs for cell in cells if cell.toks == of.toks]
        yield from (Cell(of.seqs, toks) for toks in _beside(row, of.toks))
        yield from (Cell(seqs, of.toks) for seqs in _beside(column, of.seqs))


def _beside(values: Sequence[int], value: int) -> Iterator[int]:
    """Yield the next of the ascending values below and above one of them."""
    at = values.index(value)
    yield from values[max(0, at - 1) : at]
    yield from values[at + 1 : at + 2]


def hill_climb(problem: Problem, random: Random) -> HillClimb:
    """Return the arm."""
    return HillClimb(problem, random)
