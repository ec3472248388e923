import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from benchmarks.simulator import fitting
from setpoint.simulator.check import Cell
from setpoint.simulator.measured import Row
from setpoint.simulator.parameters import TYPICAL, Parameters


def off_by_the_step(parameters: Parameters) -> list[Cell]:
    """Return four rows that are simulated without an error when a step costs 2 ms."""
    cells = []
    for sequences in (8, 16, 32, 64):
        figures = {"tok_s": 10.0 * sequences, "ttft_p95": 0.01 * sequences, "itl_p95": 0.001 * sequences}
        simulated = {name: value * parameters.step_seconds / 2e-3 for name, value in figures.items()}
        cells.append(Cell(Row(sequences, 512, figures), simulated))
    return cells


def test_the_numbers_a_fit_begins_at_are_judged_beside_the_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "RESULTS", tmp_path)
    monkeypatch.setattr(fitting, "replays", lambda: {"a table": off_by_the_step})
    monkeypatch.setattr("sys.argv", ["fitting", "--start"])
    (tmp_path / "fit.json").write_text('{"fitted to every row": {"loss": 0.1}}')

    fitting.main()

    results = json.loads((tmp_path / "fit.json").read_text())
    assert results["fitted to every row"] == {"loss": 0.1}
    start = results["not fitted: the start"]
    assert start["parameters"] == asdict(TYPICAL)
    assert start["a table, odd rows"]["median_error"] == pytest.approx(
        dict.fromkeys(("tok_s", "ttft_p95", "itl_p95"), 0.5)
    )
    assert fitting.errors(replace(TYPICAL, step_seconds=2e-3))["a table, even rows"]["median_error"][
        "tok_s"
    ] == pytest.approx(0)
