"""A simulated sweep is a table like a measured one, and says that it is none."""

import json
from pathlib import Path

import pytest

from benchmarks.tuner.__main__ import main
from setpoint.simulator.measured import ClosedLoop, read_table

MODEL = str(Path(__file__).parents[2] / "benchmarks/data/h100-llama8b-config.json")


def command(out: Path, **changed: str) -> list[str]:
    """Return the sweep of four clients with short requests; `changed` are flags."""
    flags = {
        "gpu": "H100",
        "model_config": MODEL,
        "clients": "4",
        "inlen": "64",
        "outlen": "16",
        "seqs": "2,4",
        "toks": "4,64",
        **changed,
    }
    return ["table", *(f"--{name.replace('_', '-')}={value}" for name, value in flags.items()), str(out)]


def sweep(folder: Path, **changed: str) -> Path:
    out = folder / "table.json"
    assert main(command(out, **changed)) == 0
    return out


def test_the_reader_of_measured_tables_takes_it_in_the_order_of_the_sweep(tmp_path: Path) -> None:
    table = read_table(str(sweep(tmp_path)))
    assert isinstance(table, ClosedLoop)
    assert (table.clients, table.mean_prompt_tokens, table.mean_output_tokens) == (4, 64, 16)
    cells = [(row.max_num_seqs, row.max_num_batched_tokens) for row in table.rows]
    assert cells == [(2, 4), (2, 64), (4, 4), (4, 64)]


def test_it_says_that_it_is_simulated_and_with_what(tmp_path: Path) -> None:
    content = json.loads(sweep(tmp_path).read_text())
    assert (content["engine"], content["gpu"], content["parameters"]) == ("simulated", "H100", "built-in")
    content = json.loads(sweep(tmp_path, gpu="A100").read_text())
    assert (content["gpu"], content["parameters"]) == ("A100", "typical")


def test_a_budget_below_the_sequences_is_no_cell(tmp_path: Path) -> None:
    rows = json.loads(sweep(tmp_path, seqs="2,16").read_text())["rows"]
    assert [(row["seqs"], row["toks"]) for row in rows] == [(2, 4), (2, 64), (16, 64)]


def test_a_second_sweep_repeats_cells_with_other_figures(tmp_path: Path) -> None:
    rows = json.loads(sweep(tmp_path, repeats="2", seqs="2", toks="4").read_text())["rows"]
    assert [(row["seqs"], row["toks"]) for row in rows] == [(2, 4), (2, 4)]
    assert rows[0] != rows[1]


def test_a_longer_stay_is_written_into_the_rows(tmp_path: Path) -> None:
    assert {row["seconds"] for row in json.loads(sweep(tmp_path).read_text())["rows"]} == {9.0}
    rows = json.loads(sweep(tmp_path, cell_seconds="12").read_text())["rows"]
    assert {row["seconds"] for row in rows} == {12.0}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"gpu": "B100"}, "GPU 'B100' is not known"),
        ({"model_config": "nowhere.json"}, "nowhere.json: cannot be read"),
        ({"params": MODEL}, "key 'gpu' is missing"),
        ({"toks": "1"}, "--toks: all of [1] are below --seqs, [2, 4]"),
        ({"inlen": "40000"}, "are more than max_model_len"),
        ({"inlen": "8192", "cell_seconds": "0.01"}, "stay longer at a cell"),
    ],
)
def test_what_cannot_be_swept_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changed: dict[str, str], told: str
) -> None:
    out = tmp_path / "table.json"
    assert main(command(out, **changed)) == 2
    assert not out.exists()
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("changed", [{"seqs": "2,,4"}, {"toks": "0"}, {"clients": "many"}, {"repeats": "0"}])
def test_a_number_that_is_none_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changed: dict[str, str]
) -> None:
    with pytest.raises(SystemExit):
        main(command(tmp_path / "table.json", **changed))
    assert "is not a whole number above 0" in capsys.readouterr().err
