"""A sweep goes on where it stopped."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import pytest

from benchmarks.tuner import sweep
from benchmarks.tuner.cases import named
from benchmarks.tuner.sweep import missing, row_of
from tests.tuner_sweep.builders import a_row

CASES = [*named("step, itl 30"), *named("step, itl 50")]


def test_what_has_a_row_is_not_run_again() -> None:
    rows = [a_row("aimd", load="step", promise="itl 30 ms, ttft 1 s", seed=1)]
    first, second = missing(rows, CASES, ["aimd", "tpe"], seeds=2)
    assert [(arm, len(promises)) for arm, promises in first.promises_by_arm] == [("aimd", 1), ("tpe", 2)]
    assert [(arm, len(promises)) for arm, promises in second.promises_by_arm] == [("aimd", 2), ("tpe", 2)]


def test_a_whole_seed_comes_before_the_next() -> None:
    work = missing([], [*CASES, *named("drift, itl 30")], ["aimd"], seeds=2)
    assert [(each.seed, each.load) for each in work] == [(1, "step"), (1, "drift"), (2, "step"), (2, "drift")]


def test_a_row_comes_back_from_its_file_as_it_was() -> None:
    row = a_row(recovered_windows=(2, None))
    assert row_of(json.loads(json.dumps(asdict(row)))) == row


def options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    sweep.add_arguments(parser)
    return parser.parse_args(arguments)


def test_a_file_is_told_without_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rows.json"
    file.write_text(json.dumps({"rows": [asdict(a_row())]}))
    assert sweep.run(options(str(file), "--tell-only")) == 0
    assert "Over all cases" in capsys.readouterr().out


def test_a_case_that_is_not_known_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sweep.run(options(str(tmp_path / "rows.json"), "--cases", "nothing")) == 2
    assert "loads are" in capsys.readouterr().out
