"""Tables to tune on."""

from collections.abc import Callable, Sequence
from itertools import product
from random import Random

from benchmarks.tuner.replay.arm import Arm, Problem
from benchmarks.tuner.replay.promise import Promise
from benchmarks.tuner.replay.table import Load, Table
from benchmarks.tuner.replay.visit import Cell, Visit

LOAD = Load(64, 512, 128)
PROMISE = Promise(ttft_p95_seconds=1.0, itl_p95_seconds=0.05)


def visit(seqs: int, toks: int, tok_s: float = 100.0, ttft: float = 0.5, itl: float = 0.04) -> Visit:
    """Return a visit; by default one that keeps PROMISE."""
    return Visit(Cell(seqs, toks), tok_s, ttft, itl)


def table(*rows: Visit) -> Table:
    """Return a table with these rows."""
    cells = sorted({row.cell for row in rows})
    return Table(LOAD, {cell: tuple(row for row in rows if row.cell == cell) for cell in cells})


def problem(of: Table, promise: Promise = PROMISE) -> Problem:
    """Return what an arm is told of a table."""
    return Problem(of.cells, promise, LOAD)


def grid(seqs: Sequence[int], toks: Sequence[int]) -> Table:
    """Return a table of all pairs, with more tokens a second the larger the two; all keep PROMISE."""
    return table(*(visit(s, t, tok_s=s + t) for s, t in product(seqs, toks)))


def visited(build: Callable[[Problem, Random], Arm], of: Table, seed: int = 1) -> list[Cell]:
    """Return the cells that an arm visits when it sees the table without noise."""
    arm = build(problem(of), Random(seed))
    seen: list[Visit] = []
    while (cell := arm.next(seen)) is not None:
        seen.append(of.truth(cell))
        assert len(seen) <= 100
    return [each.cell for each in seen]
