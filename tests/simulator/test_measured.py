import json
import math
import re
from pathlib import Path
from typing import Any

import pytest

from setpoint.simulator.measured import ClosedLoop, OpenLoop, read_table

ROW = {"seqs": 8, "toks": 512, "tok_s": 1132.7, "ttft_p95": 7.8, "itl_p95": 0.0112}
CLOSED = {"conc": 256, "inlen": 512, "outlen": 128, "rows": [ROW, ROW]}
OPEN = ROW | {
    "workload": "chat",
    "rate": 20,
    "seed": 1,
    "window_s": 8.0,
    "from_empty": True,
    "mean_in": 512.3,
    "mean_out": 128.2,
}


def written(folder: Path, text: str) -> str:
    path = folder / "rows"
    path.write_text(text)
    return str(path)


def without(values: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != key}


def test_a_closed_loop_table_is_read(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, json.dumps(CLOSED)))
    assert isinstance(table, ClosedLoop)
    assert (table.clients, len(table.rows), table.rows[0].figures["itl_p95"]) == (256, 2, 0.0112)


@pytest.mark.parametrize("lines", [1, 3])
def test_open_loop_rows_are_read(tmp_path: Path, lines: int) -> None:
    table = read_table(written(tmp_path, "\n".join([json.dumps(OPEN)] * lines)))
    assert isinstance(table, OpenLoop)
    assert len(table.rows) == lines
    assert table.loads[0].rate_per_second == 20


@pytest.mark.parametrize("key", ["conc", "inlen", "outlen", "rows"])
def test_a_key_that_a_table_lacks_is_named(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match=f"key '{key}'"):
        read_table(written(tmp_path, json.dumps(without(CLOSED, key))))


@pytest.mark.parametrize("key", ROW)
def test_a_key_that_a_row_lacks_is_named_with_the_row(tmp_path: Path, key: str) -> None:
    content = CLOSED | {"rows": [ROW, without(ROW, key)]}
    with pytest.raises(ValueError, match=rf"rows\[1\]: key '{key}' is missing"):
        read_table(written(tmp_path, json.dumps(content)))


@pytest.mark.parametrize("key", without(OPEN, "rate"))
def test_a_key_that_an_open_loop_row_lacks_is_named_with_the_row(tmp_path: Path, key: str) -> None:
    content = "\n".join([json.dumps(OPEN), json.dumps(without(OPEN, key))])
    with pytest.raises(ValueError, match=f"row 2: key '{key}' is missing"):
        read_table(written(tmp_path, content))


NO_NUMBERS = [None, 0, -1, True, False, "many", math.nan, math.inf, -math.inf, 10**400, [3]]


@pytest.mark.parametrize("value", NO_NUMBERS)
@pytest.mark.parametrize("key", ["tok_s", "ttft_p95", "itl_p95"])
def test_a_figure_that_is_no_number_above_0_is_told(tmp_path: Path, key: str, value: object) -> None:
    content = CLOSED | {"rows": [ROW | {key: value}]}
    told = rf"rows\[0\]: key '{key}' is {re.escape(repr(value))}: write a number above 0"
    with pytest.raises(ValueError, match=told):
        read_table(written(tmp_path, json.dumps(content)))


@pytest.mark.parametrize("value", [value for value in NO_NUMBERS if value is not None])
@pytest.mark.parametrize("key", ["ttft_p50", "itl_p50", "itl_p99"])
def test_so_is_a_figure_that_may_be_left_out(tmp_path: Path, key: str, value: object) -> None:
    with pytest.raises(ValueError, match=rf"rows\[0\]: key '{key}' is "):
        read_table(written(tmp_path, json.dumps(CLOSED | {"rows": [ROW | {key: value}]})))
    assert read_table(written(tmp_path, json.dumps(CLOSED | {"rows": [ROW | {key: None}]}))).rows


@pytest.mark.parametrize("value", [*NO_NUMBERS, 2.5, 8.0])
@pytest.mark.parametrize("key", ["conc", "inlen", "outlen", "seqs", "toks", "seed"])
def test_a_count_that_is_no_whole_number_above_0_is_told(tmp_path: Path, key: str, value: object) -> None:
    if key in CLOSED:
        content: object = CLOSED | {key: value}
    else:
        content = OPEN | {key: value}
    with pytest.raises(ValueError, match=f"key '{key}' is {re.escape(repr(value))}: write a whole number"):
        read_table(written(tmp_path, json.dumps(content)))


@pytest.mark.parametrize("value", NO_NUMBERS)
@pytest.mark.parametrize("key", ["rate", "window_s", "mean_in", "mean_out"])
def test_a_load_that_is_no_number_above_0_is_told(tmp_path: Path, key: str, value: object) -> None:
    lines = "\n".join([json.dumps(OPEN), json.dumps(OPEN | {key: value})])
    with pytest.raises(ValueError, match=f"row 2: key '{key}' is {re.escape(repr(value))}: write a number"):
        read_table(written(tmp_path, lines))


def test_what_is_neither_text_nor_true_nor_false_is_told(tmp_path: Path) -> None:
    for key, told in (("workload", "the workload's name"), ("from_empty", "true or false")):
        with pytest.raises(ValueError, match=f"row 1: key '{key}' is 1: write {told}"):
            read_table(written(tmp_path, json.dumps(OPEN | {key: 1})))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "has no row"),
        ("{]", "line 1 is not JSON"),
        ("[" * 100_000, "line 1 is not JSON"),
        ("1" * 5000, "line 1 is not JSON"),
        ("[]", "has no row"),
        ("[3]", "row 1: is not a JSON object"),
        ('{"rows": []}', "key 'conc' is missing"),
    ],
)
def test_what_is_no_table_is_told(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_table(written(tmp_path, text))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="none: cannot be read"):
        read_table(str(tmp_path / "none"))
