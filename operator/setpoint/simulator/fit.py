"""Finds the parameters with which the simulator comes nearest to measured tables.

The loss is the mean of absolute logarithms of simulated over measured, capped softly, so that a cell near a
jump (a queue that just fills) does not lead; it is noisy, since a replay is, so it is minimised without
derivatives (Nelder and Mead, 1965, with the adaptive coefficients of Gao and Han, 2012, as in SciPy).

What a table cannot show keeps its start value: attention over prompts is a few percent of a step up to some
thousand tokens, and a weak pull holds the others where the data leave them free.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean

from setpoint.simulator.check import Cell
from setpoint.simulator.measured import Table
from setpoint.simulator.parameters import Parameters
from setpoint.simulator.replay import Machine, replay

Replay = Callable[[Parameters], Sequence[Cell]]
"""Gives a table's rows beside what is simulated with some parameters."""

WEIGHTS = {"tok_s": 2.0, "ttft_p50": 0.5, "ttft_p95": 1.0, "itl_p50": 0.7, "itl_p95": 1.0, "itl_p99": 0.2}
"""How much each figure counts."""
SOFT_CAP = 0.3
"""Beyond this error (in logarithms) a further one counts a fifth."""
PULL = 0.002
"""Loss for a parameter that is e times its start value."""
FIRST_STEP = 0.25
"""How far, in logarithms, each parameter is moved at first, from a start that may be far off."""
KEPT = ("attention_flops_share",)
"""Parameters that no table of prompts below some thousand tokens shows."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a fit came to."""

    parameters: Parameters
    loss: float
    evaluations: int


def fit(
    replays: Sequence[Replay],
    start: Parameters,
    evaluations: int,
    counts: Callable[[int], bool] = lambda _: True,
    progress: Callable[[int, float], None] = lambda *_: None,
    first_step: float = FIRST_STEP,
) -> Fitted:
    """Return the best parameters found from `start` with so many evaluations of all replays.

    Every replay weighs alike. Only rows whose number in theirs `counts` are compared. `progress` is told the
    number of evaluations and the least loss so far. Raises ModuleNotFoundError without SciPy.
    """
    from scipy.optimize import minimize

    names = [name for name in asdict(start) if name not in KEPT]
    done, least = 0, math.inf

    def loss_at(moves: Sequence[float]) -> float:
        nonlocal done, least
        done += 1
        try:
            moved = _moved(start, names, moves)
        except ValueError:
            return 10.0 + sum(move * move for move in moves)  # out of bounds: worse than anything within
        found = _loss(replays, moved, counts) + PULL * sum(move * move for move in moves)
        least = min(least, found)
        progress(done, least)
        return found

    simplex = [
        [first_step * (row == column + 1) for column in range(len(names))] for row in range(len(names) + 1)
    ]
    options = {
        "maxfev": evaluations,
        "initial_simplex": simplex,
        "adaptive": True,
        "fatol": 1e-4,
        "xatol": 1e-3,
    }
    best = minimize(loss_at, simplex[0], method="Nelder-Mead", options=options)
    return Fitted(_moved(start, names, best.x), float(best.fun), done)


def cells(table: Table, machine: Machine, parameters: Parameters) -> list[Cell]:
    """Return a table's rows beside what the simulator makes of them."""
    return [Cell(*both) for both in zip(table.rows, replay(table, machine, parameters), strict=True)]


def _loss(replays: Sequence[Replay], parameters: Parameters, counts: Callable[[int], bool]) -> float:
    losses = []
    for replayed in replays:
        total = weights = 0.0
        for number, cell in enumerate(replayed(parameters)):
            if counts(number):
                for figure, measured in cell.row.figures.items():
                    total += WEIGHTS[figure] * _error(measured, cell.simulated[figure])
                    weights += WEIGHTS[figure]
        losses.append(total / weights)
    return fmean(losses)


def _error(measured: float, simulated: float) -> float:
    if not simulated:
        return 1.0  # nothing was seen where something was measured
    error = abs(math.log(simulated / measured))
    return min(error, SOFT_CAP + (error - SOFT_CAP) / 5)


def _moved(start: Parameters, names: Sequence[str], moves: Sequence[float]) -> Parameters:
    """Return `start` with its parameters (of overlap, what exceeds 1) times e to the power of their moves."""
    changed = {}
    for name, move in zip(names, moves, strict=True):
        value, least = getattr(start, name), 1.0 if name == "overlap" else 0.0
        changed[name] = float(least + (value - least) * math.exp(move))
    return replace(start, **changed)
