"""All arms by the names under which they are reported."""

import sys
from collections.abc import Mapping
from importlib.util import find_spec
from random import Random

from benchmarks.tuner.replay.arm import Arm, Entry, Problem
from benchmarks.tuner.replay.arms.aimd import aimd
from benchmarks.tuner.replay.arms.fixed import Fixed, statics
from benchmarks.tuner.replay.arms.hill_climb import hill_climb
from benchmarks.tuner.replay.arms.ours import ours
from benchmarks.tuner.replay.arms.planned import auto_tune, grid, random_search
from benchmarks.tuner.replay.visit import Cell


def default(problem: Problem, _: Random) -> Arm:
    """Return the arm that leaves the limits as `vllm serve` starts."""
    return Fixed(problem.start)


ARMS: dict[str, Entry] = {
    "setpoint": Entry(ours),
    "default": Entry(default),
    "random search": Entry(random_search),
    "AIMD on concurrency": Entry(aimd),
    "hill climb": Entry(hill_climb),
    "auto_tune": Entry(auto_tune),
    "grid": Entry(grid, most_visits=sys.maxsize),
}
"""Those that every table has, and Optuna's where that is installed."""

TPE_BUDGETS = (12, 30)
HAS_OPTUNA = find_spec("optuna") is not None
if HAS_OPTUNA:
    from benchmarks.tuner.replay.arms.tpe import tpe

    ARMS |= {f"Optuna TPE {budget}": Entry(tpe(budget)) for budget in TPE_BUDGETS}


def arms(problem: Problem) -> Mapping[str, Entry]:
    """Return all arms of a problem: ARMS, and the statics whose column it has."""
    columns = statics(problem.cells).items()
    return ARMS | {f"static {toks}": _static(cell) for toks, cell in columns}


def _static(cell: Cell) -> Entry:
    return Entry(lambda *_: Fixed(cell))
