"""How a load test ends before its time, or finds no place for what it measured."""

import multiprocessing
import os
import re
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from setpoint.loadgen.report import Report
from tests.cli.conftest import Run
from tests.cli.loadtests import flags, in_shell, started
from tests.loadgen import endpoint as does
from tests.loadgen.endpoint import FakeEndpoint


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_to_end_writes_what_was_measured(
    endpoint: FakeEndpoint, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    seen = threading.Event()

    async def behaviour(request, body):  # type: ignore[no-untyped-def]
        if len(endpoint.asked) > 100:
            seen.set()
        return await does.behaves(request, body)

    endpoint.behaviour = behaviour
    with started(
        *flags(endpoint, "--rate", "40", "--duration", "1h", "--json", "--out", str(tmp_path))
    ) as ours:
        assert seen.wait(30)
        os.killpg(ours.pid, number)  # as a terminal does: to the senders too
        out, _ = ours.communicate(timeout=30)
    assert ours.returncode == status
    report = Report.model_validate_json(out)
    assert not report.complete
    assert report.stages[0].requests_completed > 20
    assert (tmp_path / "report.json").exists()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_before_any_load_ends_the_command_at_once(
    endpoint: FakeEndpoint, number: signal.Signals, status: int
) -> None:
    asked = threading.Event()

    async def behaviour(request, body):  # type: ignore[no-untyped-def]
        asked.set()
        return await does.hangs(request, body)

    endpoint.behaviour = behaviour
    with started(*flags(endpoint, "--rate", "40", "--timeout", "1h")) as ours:
        assert asked.wait(30)
        ours.send_signal(number)
        out, err = ours.communicate(timeout=10)
    assert (ours.returncode, out, err) == (status, b"", b"")


def after(requests: int, act: Callable[[], object]) -> does.Behaviour:
    """Behaves, and does something once so many requests have come."""
    left = iter(range(requests, -1, -1))

    async def behaviour(request, body):  # type: ignore[no-untyped-def]
        if next(left, None) == 0:
            act()
        return await does.behaves(request, body)

    return behaviour


def test_a_report_folder_that_was_removed_meanwhile_is_made_again(
    run: Run, endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    endpoint.behaviour = after(10, out.rmdir)
    ended = run(*flags(endpoint, "--rate", "40", "--json", "--out", str(out)))
    assert ended.status == 0
    assert (out / "report.json").read_text() == ended.out


def test_a_report_that_cannot_be_written_in_the_end_is_left_elsewhere(
    run: Run, endpoint: FakeEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    out = tmp_path / "out"
    endpoint.behaviour = after(10, (out / "report.json").mkdir)
    ended = run(*flags(endpoint, "--rate", "40", "--out", str(out)))
    assert ended.status == 2
    assert "40/s poisson" in ended.out
    assert f"--out: {out} cannot be written: Is a directory" in ended.err
    (elsewhere,) = tmp_path.glob("setpoint-loadtest-*")
    assert f"the report is in {elsewhere}\n" in ended.err
    assert Report.model_validate_json((elsewhere / "report.json").read_text()).stages
    assert (elsewhere / "requests.jsonl").read_text().count("\n") >= 20
    assert list(out.iterdir()) == [out / "report.json"]


def test_a_report_that_finds_no_folder_at_all_goes_to_standard_output(
    run: Run, endpoint: FakeEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"

    def fill_the_disk() -> None:
        (out / "report.json").mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))

    endpoint.behaviour = after(10, fill_the_disk)
    ended = run(*flags(endpoint, "--rate", "40", "--out", str(out)))
    assert ended.status == 2
    assert "the report is on standard output only" in ended.err
    assert Report.model_validate_json(ended.out[ended.out.index("{") :]).stages


def test_a_report_that_standard_output_does_not_take_is_left_elsewhere(
    endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    ended = in_shell(
        *flags(endpoint, "--clients", "1", "--json"), before=f"TMPDIR={tmp_path}", after=">/dev/full"
    )
    assert ended.returncode == 2
    (elsewhere,) = tmp_path.glob("setpoint-loadtest-*")
    assert f"No space left on device\nthe report is in {elsewhere}\n" in ended.stderr
    assert Report.model_validate_json((elsewhere / "report.json").read_text()).stages


@pytest.mark.parametrize("name", ["report.json", "requests.jsonl"])
def test_a_folder_in_the_place_of_a_report_is_told_before_any_load(
    run: Run, endpoint: FakeEndpoint, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).mkdir()
    ended = run(*flags(endpoint, "--rate", "40", "--out", str(tmp_path)))
    assert (ended.status, endpoint.asked) == (2, [])
    assert ended.err == f"--out: {tmp_path / name} is a folder: move it, or choose another --out\n"


def test_a_sender_that_dies_ends_the_run_and_what_was_measured_is_written(
    run: Run, endpoint: FakeEndpoint, tmp_path: Path
) -> None:
    async def behaviour(request, body):  # type: ignore[no-untyped-def]
        if len(endpoint.asked) > 100:
            multiprocessing.active_children()[0].kill()
        return await does.behaves(request, body)

    endpoint.behaviour = behaviour
    ended = run(*flags(endpoint, "--rate", "40,50", "--duration", "1h", "--json", "--out", str(tmp_path)))
    assert ended.status == 1
    report = Report.model_validate_json(ended.out)
    assert not report.complete
    death = re.compile(r"sender process \d+ of \d+ died \(Killed\)")
    assert any(map(death.match, report.notes))
    assert death.search(ended.err)
    (stage,) = report.stages
    assert stage.requests_completed > 10
    assert any(map(death.match, stage.invalid))
    assert (tmp_path / "report.json").read_text() == ended.out
    assert len((tmp_path / "requests.jsonl").read_text().splitlines()) > 20
