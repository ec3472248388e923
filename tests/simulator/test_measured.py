import json
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


@pytest.mark.parametrize("value", [None, 0, -1, True, "many"])
def test_a_figure_that_is_no_number_above_0_is_told(tmp_path: Path, value: object) -> None:
    content = CLOSED | {"rows": [ROW | {"ttft_p95": value}]}
    with pytest.raises(ValueError, match=r"rows\[0\]: key 'ttft_p95' is"):
        read_table(written(tmp_path, json.dumps(content)))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "has no row"),
        ("{]", "line 1 is not JSON"),
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
