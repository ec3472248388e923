"""A table as a thing to tune."""

import json
from pathlib import Path

import pytest

from benchmarks.tuner.replay.promise import Promise
from benchmarks.tuner.replay.table import Load, read
from benchmarks.tuner.replay.visit import Cell
from tests.tuner_benchmark.builders import PROMISE, table, visit

DATA = Path(__file__).parents[2] / "benchmarks/data"
MEASURED = str(DATA / "h100-llama8b-in512-out128-c256.json")


def test_the_measured_table_is_read() -> None:
    measured = read(MEASURED)
    assert measured.load == Load(256, 512, 128)
    assert len(measured.cells) == 35
    best = measured.best(Promise(ttft_p95_seconds=1.0, itl_p95_seconds=0.06))
    assert best is not None
    assert (best.cell, best.tok_s) == (Cell(256, 2048), 6565.4)


def test_an_open_loop_table_is_refused() -> None:
    with pytest.raises(ValueError, match="is an open-loop table, whose rows have a rate: give a closed-loop"):
        read(str(DATA / "h100-llama8b-openloop-chat.jsonl"))


def test_the_order_of_rows_says_nothing_and_cells_may_be_ragged_and_repeated(tmp_path: Path) -> None:
    rows = [(64, 512), (8, 256), (64, 512), (16, 4096)]
    content = {
        "conc": 9,
        "inlen": 8,
        "outlen": 7,
        "gpu": "somebody's",
        "rows": [{"seqs": s, "toks": t, "tok_s": 1 + n, "ttft_p95": 1, "itl_p95": 1, "note": None}
                 for n, (s, t) in enumerate(rows)],
    }  # fmt: skip
    path = tmp_path / "table.json"
    path.write_text(json.dumps(content))
    found = read(str(path))
    assert found.cells == (Cell(8, 256), Cell(16, 4096), Cell(64, 512))
    assert [row.tok_s for row in found.rows[Cell(64, 512)]] == [1, 3]


def test_a_repeated_cell_is_judged_by_the_median_of_each_figure() -> None:
    repeated = table(
        visit(8, 512, 100, 0.1, 0.03), visit(8, 512, 300, 0.2, 0.02), visit(8, 512, 200, 9.0, 0.01)
    )
    assert repeated.truth(Cell(8, 512)) == visit(8, 512, 200, 0.2, 0.02)


def test_the_best_cell_has_most_tokens_a_second_of_those_that_keep_every_objective() -> None:
    of = table(
        visit(8, 512), visit(16, 512, 200), visit(32, 512, 300, itl=0.051), visit(64, 512, 400, ttft=1.1)
    )
    assert of.best(PROMISE) == visit(16, 512, 200)
    assert of.best(Promise(itl_p95_seconds=0.05)) == visit(64, 512, 400, ttft=1.1)
    assert of.best(Promise(itl_p95_seconds=0.001)) is None


def test_a_p95_at_the_threshold_is_within_it() -> None:
    assert table(visit(8, 512, ttft=1.0, itl=0.05)).best(PROMISE) is not None
