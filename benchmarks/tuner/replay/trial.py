"""One arm on one table with one seed: it visits until it has settled, and is judged by the table."""

from dataclasses import dataclass
from random import Random

from benchmarks.tuner.replay.arm import Entry, Problem
from benchmarks.tuner.replay.noise import Noise
from benchmarks.tuner.replay.table import Table
from benchmarks.tuner.replay.visit import Cell, Visit


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    share: float
    """Of the best cell's tokens a second that the end has, by the table's own figures; 0 where the end misses
    the promise. Where no cell keeps it: 1 when the arm ends at the start, 0 elsewhere."""
    evaluations: int
    """Visits until it had settled."""
    infeasible_visits: int
    """Those of cells that miss the promise, by the table's own figures."""


def run(name: str, entry: Entry, table: Table, problem: Problem, noise: Noise, seed: int) -> Outcome:
    """Let an arm visit until it has settled, or has had its most visits, and judge it.

    The name and the seed decide what the arm draws. Raises ValueError when it names a cell that is not there.
    """
    arm = entry.build(problem, Random(f"{name}/{seed}"))
    visits: list[Visit] = []
    while len(visits) < entry.most_visits and (cell := arm.next(tuple(visits))) is not None:
        _check(name, table, cell)
        number = sum(visit.cell == cell for visit in visits)
        visits.append(noise.visit(table, cell, number, seed))
    end = arm.end(tuple(visits))
    _check(name, table, end)
    missed = sum(not problem.promise.is_kept(table.truth(visit.cell)) for visit in visits)
    return Outcome(_share(table, problem, end), len(visits), missed)


def _share(table: Table, problem: Problem, end: Cell) -> float:
    best, truth = table.best(problem.promise), table.truth(end)
    if best is None:
        return float(end == problem.start)
    return truth.tok_s / best.tok_s if problem.promise.is_kept(truth) else 0.0


def _check(name: str, table: Table, cell: Cell) -> None:
    if cell not in table.rows:
        raise ValueError(f"arm {name!r} names {cell}, which the table has not")
