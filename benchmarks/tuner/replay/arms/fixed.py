"""Limits that nobody tunes: those of `vllm serve`, and single budgets of tokens."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.tuner.replay.arm import DEFAULT
from benchmarks.tuner.replay.visit import Cell, Visit

STATIC_TOKENS = (256, 384, 512, 768, 1024, 2048)


@dataclass(frozen=True, slots=True)
class Fixed:
    """Visits nothing, and ends at its cell."""

    cell: Cell

    def next(self, _: Sequence[Visit], /) -> Cell | None:
        """Return None: it has settled before it began."""
        return None

    def end(self, _: Sequence[Visit], /) -> Cell:
        """Return its cell."""
        return self.cell


def statics(cells: Sequence[Cell]) -> dict[int, Cell]:
    """Return the cell of each static budget whose column is there, by its tokens.

    With the most sequences that the column has up to vLLM's own 1024 and, as an engine takes no more, up to
    the budget; where it has only more, the fewest.
    """
    found = {}
    for toks in STATIC_TOKENS:
        column = [cell for cell in cells if cell.toks == toks]
        within = [cell for cell in column if cell.seqs <= min(DEFAULT.seqs, toks)]
        if column:
            found[toks] = max(within) if within else min(column)
    return found
