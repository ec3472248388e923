import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from setpoint.compare.runs import RunError, read_runs
from tests.compare.builders import report, stage, written

Spoil = Callable[[dict[str, Any]], object]


def test_reports_are_lettered_in_their_order(tmp_path: Path) -> None:
    paths = written(tmp_path, report(model="one"), report(model="two"))
    assert [(run.label, run.report.target.model) for run in read_runs(paths)] == [("A", "one"), ("B", "two")]


def test_letters_go_on_after_the_alphabet(tmp_path: Path) -> None:
    (path,) = written(tmp_path, report())
    assert [run.label for run in read_runs([path] * 28)][25:] == ["Z", "AA", "AB"]


def refused(path: Path | str) -> str:
    with pytest.raises(RunError) as raised:
        read_runs([str(path)])
    message = str(raised.value)
    assert message.startswith(f"{path}: ")
    return message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not JSON"),
        (b"<html>502 Bad Gateway</html>", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b'{"a": NaN}', "is not JSON"),
        (b"\xff\xfe", "is not UTF-8 at byte 0"),
        (b"[]", "schema_version: is missing"),
        (b'{"kind": "List"}', "schema_version: is missing"),
        (b'{"schema_version": "setpoint.dev/loadtest/v2"}', "'setpoint.dev/loadtest/v2' is not"),
        (b'{"schema_version": 1}', "1 is not"),
    ],
)
def test_what_is_no_report_is_told(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.json").write_bytes(content)
    assert said in refused(tmp_path / "a.json")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert "No such file" in refused(tmp_path / "none.json")


def test_the_folder_of_a_load_test_stands_for_its_report(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(report().model_dump_json())
    (run,) = read_runs([str(tmp_path)])
    assert run.path == f"{tmp_path}/report.json"


def test_a_folder_without_a_report_is_told(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"/report\.json: cannot be read: No such file"):
        read_runs([str(tmp_path)])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda report: report.pop("machine"), "machine: Field required"),
        (lambda report: report.update(colour="red"), "colour: 'red'"),
        (lambda report: report["stages"][0].update(good="many"), "stages.0.good: 'many'"),
        (
            lambda report: report["stages"][0]["ttft"]["p95"].update(low=9),
            "stages.0.ttft.p95: 0.4 does not lie",
        ),
        (
            lambda report: report["stages"][0]["requests_per_second"].update(high=None),
            "stages.0.requests_per_second.high: None",
        ),
        (lambda report: report["stages"][0]["requests_per_second"].update(high=1e999), "is not JSON"),
        (lambda report: report.update(slo="itl<60ms"), "slo: 'itl<60ms' is no objective"),
        (lambda report: report["capacity"].update(stages=[7]), "capacity.stages: [7] does not fit"),
    ],
)
def test_what_is_wrong_with_a_report_is_told_by_its_field(tmp_path: Path, spoil: Spoil, said: str) -> None:
    (path,) = written(tmp_path, report(sustainable_rate=stage().requests_per_second))
    spoiled = json.loads(Path(path).read_text())
    spoil(spoiled)
    Path(path).write_text(json.dumps(spoiled))
    assert said in refused(path)


def test_many_faults_are_told_in_few_lines(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"schema_version": "setpoint.dev/loadtest/v1"}')
    assert refused(tmp_path / "a.json").splitlines()[-1].endswith("faults more")
