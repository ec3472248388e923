"""How `setpoint tune` ends: by signals, and by a disk that is full."""

import itertools
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from setpoint.cli import tune
from setpoint_vllm.limits_file import Limit, LimitsFile, parse
from tests.cli.conftest import Run
from tests.cli.engines import FakeEngine, serving
from tests.cli.loadtests import started

ENDS = (signal.SIGTERM, signal.SIGINT)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    with serving(FakeEngine(tmp_path / "limits.json")) as engine:
        yield engine


def flags(engine: FakeEngine, *more: str) -> tuple[str, ...]:
    of_engine = ("--metrics-url", engine.url, "--limits-file", str(engine.path))
    return ("tune", *of_engine, "--slo", "itl.p95=30ms", "--mode", "Auto", *more)


def written(engine: FakeEngine) -> LimitsFile:
    with suppress(OSError):
        return parse(engine.path.read_text())
    return LimitsFile()


@pytest.mark.parametrize("number", ENDS)
def test_a_signal_to_end_puts_the_start_values_back(
    engine: FakeEngine, run: Run, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """The clock goes on by ten seconds with each look, and the signal comes once the limit is in force."""
    clock = itertools.count(1e9, 10.0)
    monkeypatch.setattr(tune, "time", SimpleNamespace(time=lambda: next(clock)))
    monkeypatch.setattr(tune, "_SHORTEST_INTERVAL_SECONDS", 0.0)
    moved: list[dict[Limit, int]] = []

    def once_moved(scrapes: int) -> None:
        if scrapes > 100 or engine.believed.limits:
            moved.append(engine.believed.limits)
            os.kill(os.getpid(), number)

    engine.on_scrape = once_moved
    ended = run(*flags(engine, "--interval", "200ms"))
    assert moved[0] == {Limit.TOKENS: 4096}
    assert (ended.status, ended.err, written(engine).limits) == (0, "", {})


def test_any_number_of_signals_close_together_end_it_once_with_the_start_values(engine: FakeEngine) -> None:
    with started(*flags(engine, "--interval", "1s", "--most-tokens", "512")) as ours:
        end_seconds = time.monotonic() + 60
        while not written(engine).limits:
            assert time.monotonic() < end_seconds
        while written(engine).limits:
            assert time.monotonic() < end_seconds
            for number in ENDS * 50:
                ours.send_signal(number)
        out, err = ours.communicate(timeout=30)
    assert (ours.returncode, err) == (0, b"")
    assert out.count(b"the limits go back to the start values") == 1
    assert list(engine.path.parent.iterdir()) == [engine.path]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_log_on_a_full_disk_makes_no_failure_of_the_end(engine: FakeEngine, run: Run) -> None:
    def after_some_looks(scrapes: int) -> None:
        if scrapes == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    engine.on_scrape = after_some_looks
    ended = run(*flags(engine, "--interval", "1s", "--json-log", "/dev/full"))
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.count("note: --json-log: it takes nothing more: No space left on device") == 1
