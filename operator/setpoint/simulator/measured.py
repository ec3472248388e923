"""Tables measured on a GPU: which limits and which load, and what came of them.

A closed-loop table is one JSON object: so many clients (`conc`), mean lengths (`inlen`, `outlen`), and rows
in the order in which limits were moved under continuous load. An open-loop table has one JSON object a line,
a row each: limits, rate, seed and window of Poisson arrivals. In both, lengths are uniform in 0.5 to 1.5
times the mean.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

FIGURES = ("tok_s", "ttft_p95", "itl_p95")
"""What a row must have, and is judged by: output tokens a second, and seconds."""
MORE_FIGURES = ("ttft_p50", "itl_p50", "itl_p99")
"""What a fit looks at besides, where a row has it."""

_COUNTS = frozenset({"conc", "inlen", "outlen", "seqs", "toks", "seed"})
_MOST = 10**9
"""Above any count, rate or time of a table: a larger number is a slip."""
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
    except (ValueError, RecursionError):
        return _open_loop(path, _lines(path, text))
    if isinstance(whole, dict) and "rate" not in whole:
        return _closed_loop(path, whole)
    return _open_loop(path, whole if isinstance(whole, list) else [whole])


def _lines(path: str, text: str) -> Iterable[Any]:
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            yield json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{path}: line {number} is not JSON: {error}") from None


def _closed_loop(path: str, table: dict[str, Any]) -> ClosedLoop:
    _have(path, table, ("conc", "inlen", "outlen"))
    rows = table.get("rows")
    if not isinstance(rows, list) or not rows:
        raise ValueError(f"{path}: key 'rows' must be a list of at least one row")
    return ClosedLoop(
        table["conc"],
        table["inlen"],
        table["outlen"],
        tuple(_row(f"{path}: rows[{number}]", row) for number, row in enumerate(rows)),
    )


def _open_loop(path: str, content: Iterable[Any]) -> OpenLoop:
    rows, loads = [], []
    for number, row in enumerate(content, start=1):
        where = f"{path}: row {number}"
        cell = _row(where, row)
        _have(where, row, _OPEN_KEYS)
        rows.append(replace(cell, rate_per_second=row["rate"]))
        loads.append(Arrivals(*(row[key] for key in _OPEN_KEYS)))
    if not rows:
        raise ValueError(f"{path}: has no row")
    return OpenLoop(tuple(rows), tuple(loads))


def _row(where: str, row: Any) -> Row:
    if not isinstance(row, dict):
        raise ValueError(f"{where}: is not a JSON object")  # noqa: TRY004 - a file is wrong, not a caller
    more = [key for key in MORE_FIGURES if row.get(key) is not None]
    _have(where, row, (*_CELL_KEYS, *more))
    return Row(row["seqs"], row["toks"], {key: float(row[key]) for key in (*FIGURES, *more)})


def _have(where: str, values: dict[str, Any], keys: Iterable[str]) -> None:
    for key in keys:
        if key not in values:
            raise ValueError(f"{where}: key {key!r} is missing")
        wanted = _wanted(key, values[key])
        if wanted:
            raise ValueError(f"{where}: key {key!r} is {values[key]!r}: write {wanted}")


def _wanted(key: str, value: Any) -> str | None:
    """Return what to write for a key in place of this value, if it is wrong."""
    if key == "workload":
        return None if isinstance(value, str) else "the workload's name"
    if key == "from_empty":
        return None if isinstance(value, bool) else "true or false"
    kind, name = (int, "a whole number") if key in _COUNTS else (int | float, "a number")
    if isinstance(value, kind) and not isinstance(value, bool) and 0 < value <= _MOST:
        return None
    return f"{name} above 0, at most {_MOST:,}"
