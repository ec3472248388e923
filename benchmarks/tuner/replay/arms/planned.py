"""Arms whose visits are planned before the first: random search, the whole grid, vLLM's auto_tune.

Each visits every cell of its plan once, and ends at the best that it saw.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from random import Random

from benchmarks.tuner.replay.arm import Problem, best_seen, nearest
from benchmarks.tuner.replay.visit import Cell, Visit

RANDOM_BUDGET = 12
AUTO_TUNE_SEQS, AUTO_TUNE_TOKS = (128, 256), (512, 1024, 2048, 4096)
"""NUM_SEQS_LIST and NUM_BATCHED_TOKENS_LIST of vLLM's benchmarks/auto_tune/auto_tune.sh."""


@dataclass(frozen=True, slots=True)
class Planned:
    """Visits the cells of a plan in its order."""

    problem: Problem
    plan: Sequence[Cell]

    def next(self, visits: Sequence[Visit]) -> Cell | None:
        """Return the next cell of the plan."""
        return self.plan[len(visits)] if len(visits) < len(self.plan) else None

    def end(self, visits: Sequence[Visit]) -> Cell:
        """Return the best that was seen."""
        return best_seen(self.problem, visits)


def random_search(problem: Problem, random: Random) -> Planned:
    """Return an arm that visits up to twelve cells by chance, none twice."""
    return Planned(problem, random.sample(problem.cells, min(RANDOM_BUDGET, len(problem.cells))))


def grid(problem: Problem, _: Random) -> Planned:
    """Return an arm that visits all cells."""
    return Planned(problem, problem.cells)


def auto_tune(problem: Problem, _: Random) -> Planned:
    """Return an arm that visits the grid that vLLM's auto_tune.sh has, or the cells nearest to its.

    The script restarts the engine for each, and lowers the rate of an open loop until the latency fits; a
    closed loop has no rate, so that a cell that misses the promise counts for nothing.
    """
    wanted = (Cell(*limits) for limits in product(AUTO_TUNE_SEQS, AUTO_TUNE_TOKS))
    return Planned(problem, list(dict.fromkeys(nearest(problem.cells, cell) for cell in wanted)))
