"""`python -m benchmarks.tuner replay`."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.tuner import replay
from benchmarks.tuner.__main__ import main
from benchmarks.tuner.replay.arms.registry import ARMS

MEASURED = str(Path(__file__).parents[2] / "benchmarks/data/h100-llama8b-in512-out128-c256.json")
SLO = "itl.p95=60ms,ttft.p95=1s"


def told(capsys: pytest.CaptureFixture[str], *flags: str, slo: str = SLO, rows: str = MEASURED) -> str:
    assert main(["replay", "--rows", rows, "--slo", slo, *flags]) == 0
    return capsys.readouterr().out


def found(capsys: pytest.CaptureFixture[str], *flags: str, slo: str = SLO, rows: str = MEASURED) -> Any:
    return json.loads(told(capsys, "--json", *flags, slo=slo, rows=rows))


def test_the_best_cell_and_each_arm_stand_in_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    content = found(capsys, "--seeds", "3")
    assert list(content) == ["best", "arms"]
    assert content["best"] == {"seqs": 256, "toks": 2048, "value": 6565.4}
    assert set(ARMS) <= set(content["arms"])
    assert {"Optuna TPE 12", "Optuna TPE 30"} <= set(ARMS)
    statics = {name for name in content["arms"] if name.startswith("static")}
    assert statics == {"static 512", "static 1024", "static 2048"}
    assert all(
        set(each) == {"share_median", "share_min", "evaluations_median", "infeasible_visits_median"}
        for each in content["arms"].values()
    )


def test_the_default_misses_a_promise_that_a_static_budget_keeps(capsys: pytest.CaptureFixture[str]) -> None:
    arms = found(capsys, "--seeds", "1")["arms"]
    assert arms["default"] == {
        "share_median": 0,
        "share_min": 0,
        "evaluations_median": 0,
        "infeasible_visits_median": 0,
    }
    assert arms["static 2048"]["share_median"] == 1


def test_the_whole_grid_without_noise_ends_at_the_best_cell(capsys: pytest.CaptureFixture[str]) -> None:
    grid = found(capsys, "--seeds", "2", "--noise", "none")["arms"]["grid"]
    assert (grid["share_min"], grid["evaluations_median"], grid["infeasible_visits_median"]) == (1, 35, 34)


def test_the_same_command_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "--seeds", "2") == told(capsys, "--seeds", "2")


def test_a_promise_that_no_cell_keeps_has_no_best(capsys: pytest.CaptureFixture[str]) -> None:
    content = found(capsys, "--seeds", "1", slo="itl.p95=1ms")
    assert content["best"] is None
    assert content["arms"]["default"]["share_median"] == 1
    assert content["arms"]["static 512"]["share_median"] == 0
    assert "No cell keeps the promise" in told(capsys, "--seeds", "1", slo="itl.p95=1ms")


def test_one_cell_is_a_table(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    row = {"seqs": 8, "toks": 512, "tok_s": 1000, "ttft_p95": 0.1, "itl_p95": 0.01}
    path = tmp_path / "one.json"
    path.write_text(json.dumps({"conc": 4, "inlen": 9, "outlen": 9, "rows": [row]}))
    content = found(capsys, "--seeds", "2", rows=str(path))
    assert content["best"] == {"seqs": 8, "toks": 512, "value": 1000}
    assert {each["share_min"] for each in content["arms"].values()} == {1}


def test_the_markdown_says_what_was_promised_and_what_is_best(capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(capsys, "--seeds", "1").splitlines()
    assert lines[0].startswith("Promise itl.p95=60ms,ttft.p95=1000ms, 1 seeds, noise tok_s=0.04,")
    assert lines[1].startswith(
        "Best: 256 sequences, 2048 tokens: 6565 tok/s, TTFT p95 582 ms, ITL p95 59.0 ms"
    )
    assert "| static 2048 | 100.0 % | 100.0 % | 0 | 0 |" in lines


def test_without_optuna_its_absence_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "HAS_OPTUNA", False)
    main(["replay", "--rows", MEASURED, "--slo", SLO, "--seeds", "1"])
    assert "Optuna is not installed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--rows", "nowhere.json", "--slo", SLO), "argument --rows: nowhere.json: cannot be read"),
        (("--rows", MEASURED, "--slo", "itl.p99=1s"), "argument --slo: itl.p99=1000ms cannot be judged"),
        (("--rows", MEASURED, "--slo", SLO, "--seeds", "0"), "'0' is not a whole number from 1 to 10000"),
        (("--rows", MEASURED, "--slo", SLO, "--noise", "some"), "argument --noise: 'some' names no figure"),
    ],
)
def test_what_is_wrong_is_said(capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], said: str) -> None:
    with pytest.raises(SystemExit):
        main(["replay", *flags])
    assert said in capsys.readouterr().err
