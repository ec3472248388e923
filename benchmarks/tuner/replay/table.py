"""A closed-loop table as a thing to tune: its cells, and what is true of each."""

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.tuner.replay.promise import Promise
from benchmarks.tuner.replay.visit import Cell, Visit, middle
from setpoint.simulator.measured import ClosedLoop, Row, read_table


@dataclass(frozen=True, slots=True)
class Load:
    """What is known of the load."""

    clients: int
    mean_prompt_tokens: int
    mean_output_tokens: int


@dataclass(frozen=True, slots=True)
class Table:
    """Cells in ascending order, each with its rows: more than one where it was measured again."""

    load: Load
    rows: Mapping[Cell, tuple[Visit, ...]]

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All of them, in ascending order."""
        return tuple(self.rows)

    def truth(self, cell: Cell) -> Visit:
        """Return what a cell is judged by: its row; of several the median of each figure."""
        return middle(self.rows[cell])

    def best(self, promise: Promise) -> Visit | None:
        """Return the cell with most tokens a second of those that keep the promise, if any does."""
        kept = [truth for truth in map(self.truth, self.cells) if promise.is_kept(truth)]
        return max(kept, key=lambda truth: truth.tok_s, default=None)


def read(path: str) -> Table:
    """Read a closed-loop table. Raises ValueError that names file, row, key and what is wrong."""
    content = read_table(path)
    if not isinstance(content, ClosedLoop):
        raise ValueError(  # noqa: TRY004 - a file is wrong, not a caller
            f"{path}: is an open-loop table, whose rows have a rate: give a closed-loop one, a JSON object "
            "with conc, inlen, outlen and rows"
        )
    rows: dict[Cell, list[Visit]] = {}
    for row in content.rows:
        visit = _visit(row)
        rows.setdefault(visit.cell, []).append(visit)
    load = Load(content.clients, content.mean_prompt_tokens, content.mean_output_tokens)
    return Table(load, {cell: tuple(rows[cell]) for cell in sorted(rows)})


def _visit(row: Row) -> Visit:
    cell = Cell(row.max_num_seqs, row.max_num_batched_tokens)
    return Visit(cell, row.figures["tok_s"], row.figures["ttft_p95"], row.figures["itl_p95"])
