"""Tables measured on a GPU: which limits and which load, and what came of them.

A closed-loop table is one JSON object: so many clients (`conc`), mean lengths (`inlen`, `outlen`), and rows
in the order in which limits were moved under continuous load. An open-loop table has one JSON object a line,
a row each: limits, rate, seed and window of Poisson arrivals. In both, lengths are uniform in 0.5 to 1.5
times the mean.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FIGURES = ("tok_s", "ttft_p95", "itl_p95")
"""What a row must have, and is judged by: output tokens a second, and seconds."""
MORE_FIGURES = ("ttft_p50", "itl_p50", "itl_p99")
"""What a fit looks at besides, where a row has it."""

_CELL_KEYS = ("seqs", "toks", *FIGURES)
_OPEN_KEYS = ("workload", "rate", "seed", "window_s", "from_empty", "mean_in", "mean_out")


@dataclass(frozen=True, slots=True)
class Row:
    """One cell: limits, and what was measured under them."""

    max_num_seqs: int
    max_num_batched_tokens: int
    figures: dict[str, float]
    """FIGURES, and those of MORE_FIGURES that the row has."""
    rate_per_second: float | None = None
    """Of an open-loop row."""

    @property
    def settings(self) -> dict[str, float]:
        """What was set, by the names of the tables."""
        rate = {} if self.rate_per_second is None else {"rate": self.rate_per_second}
        return {"seqs": self.max_num_seqs, "toks": self.max_num_batched_tokens, **rate}


@dataclass(frozen=True, slots=True)
class ClosedLoop:
    """A sweep through limits under a continuous closed loop."""

    clients: int
    mean_prompt_tokens: int
    mean_output_tokens: int
    rows: tuple[Row, ...]

    @property
    def mean_tokens(self) -> list[tuple[float, float]]:
        """Mean prompt and output tokens of the loads."""
        return [(self.mean_prompt_tokens, self.mean_output_tokens)]


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The load of one open-loop row."""

    workload: str
    rate_per_second: float
    seed: int
    window_seconds: float
    from_empty: bool
    """Whether the engine was empty before; otherwise the row went on from the one before."""
    mean_prompt_tokens: float
    """Of the requests sent in the window."""
    mean_output_tokens: float


@dataclass(frozen=True, slots=True)
class OpenLoop:
    """Rows of Poisson arrivals, in the order in which they were measured."""

    rows: tuple[Row, ...]
    loads: tuple[Arrivals, ...]

    @property
    def mean_tokens(self) -> list[tuple[float, float]]:
        """Mean prompt and output tokens of the loads."""
        return [(load.mean_prompt_tokens, load.mean_output_tokens) for load in self.loads]


Table = ClosedLoop | OpenLoop


def read_table(path: str) -> Table:
    """Read a table. Raises ValueError that names file, row, key and what is wrong."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: cannot be read: {error}") from None
    try:
        whole = json.loads(text)
    except json.JSONDecodeError:
        return _open_loop(path, _lines(path, text))
    if isinstance(whole, dict) and "rate" not in whole:
        return _closed_loop(path, whole)
    return _open_loop(path, whole if isinstance(whole, list) else [whole])


def _lines(path: str, text: str) -> Iterable[Any]:
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            yield json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}: line {number} is not JSON: {error}") from None


def _closed_loop(path: str, table: dict[str, Any]) -> ClosedLoop:
    _have(path, table, ("conc", "inlen", "outlen"))
    rows = table.get("rows")
    if not isinstance(rows, list) or not rows:
        raise ValueError(f"{path}: key 'rows' must be a list of at least one row")
    return ClosedLoop(
        int(table["conc"]),
        int(table["inlen"]),
        int(table["outlen"]),
        tuple(_row(f"{path}: rows[{number}]", row) for number, row in enumerate(rows)),
    )


def _open_loop(path: str, content: Iterable[Any]) -> OpenLoop:
    rows, loads = [], []
    for number, row in enumerate(content, start=1):
        where = f"{path}: row {number}"
        rows.append(_row(where, row))
        _have(where, row, _OPEN_KEYS, text=("workload",))
        loads.append(Arrivals(*(row[key] for key in _OPEN_KEYS)))
    if not rows:
        raise ValueError(f"{path}: has no row")
    return OpenLoop(tuple(rows), tuple(loads))


def _row(where: str, row: Any) -> Row:
    if not isinstance(row, dict):
        raise ValueError(f"{where}: is not a JSON object")  # noqa: TRY004 - a file is wrong, not a caller
    _have(where, row, _CELL_KEYS)
    figures = {key: float(row[key]) for key in (*FIGURES, *MORE_FIGURES) if row.get(key) is not None}
    return Row(row["seqs"], row["toks"], figures, row.get("rate"))


def _have(where: str, values: dict[str, Any], keys: Iterable[str], text: Iterable[str] = ()) -> None:
    for key in keys:
        if key not in values:
            raise ValueError(f"{where}: key {key!r} is missing")
        value = values[key]
        if key in text or key == "from_empty":
            if not isinstance(value, str if key in text else bool):
                raise ValueError(f"{where}: key {key!r} is {value!r}")
        elif isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise ValueError(f"{where}: key {key!r} is {value!r}, not a number above 0")
