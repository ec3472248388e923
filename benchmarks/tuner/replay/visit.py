"""A cell of limits, and what one visit of it measured."""

from collections.abc import Collection
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """Limits of an engine."""

    seqs: int
    """max_num_seqs."""
    toks: int
    """max_num_batched_tokens."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One measurement of a cell under the load."""

    cell: Cell
    tok_s: float
    """Output tokens a second."""
    ttft_p95_seconds: float
    itl_p95_seconds: float


def middle(visits: Collection[Visit]) -> Visit:
    """Return the medians of each figure over visits of one cell."""
    (cell,) = {each.cell for each in visits}
    return Visit(
        cell,
        median(each.tok_s for each in visits),
        median(each.ttft_p95_seconds for each in visits),
        median(each.itl_p95_seconds for each in visits),
    )
