"""The switch takes all of the plugin's work out of a running server, and puts it back as it was."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.h100.overhead_switch import setpoint_benchmark_switch
from benchmarks.h100.overhead_switch.setpoint_benchmark_switch import Switch
from setpoint_vllm import engine_core
from setpoint_vllm.channel import Channel
from setpoint_vllm.engine_core import SchedulerLimits
from setpoint_vllm.middleware import Setpoint
from setpoint_vllm.verdicts import Verdicts
from tests.setpoint_vllm.builders import Scheduler


@pytest.fixture
def switch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Switch]:
    # The fixture's end gives the class its own __init__ back.
    monkeypatch.setattr(SchedulerLimits, "__init__", engine_core.SchedulerLimits.__init__)
    found = Switch()
    yield found
    found.set("on")


def limited(scheduler: Scheduler) -> SchedulerLimits:
    """Return limits that need the wrapper around `schedule`."""
    limits = SchedulerLimits(scheduler)
    limits.set({"seqs": 4}, 1)
    return limits


async def test_a_request_goes_straight_to_vllm(switch: Switch) -> None:
    came: list[Any] = []

    async def app(*arguments: Any) -> None:
        came.extend(arguments)

    switch.set("off")
    await Setpoint(app)({"type": "http"}, "receive", "send")  # type: ignore[arg-type]
    assert came == [{"type": "http"}, "receive", "send"]


async def test_nothing_is_judged_and_no_file_is_looked_at(switch: Switch) -> None:
    switch.set("off")
    Verdicts(None, [0]).record(None, "no iteration at all")
    channel = Channel(None, ())
    await channel.look()
    assert not channel.has_asked


def test_the_scheduler_is_called_without_the_wrapper(switch: Switch) -> None:
    scheduler = Scheduler(draining=False)
    limited(scheduler)
    wrapped = scheduler.schedule
    assert "scheduler.schedule" in switch.set("off")["out"]
    assert scheduler.schedule != wrapped
    assert scheduler.schedule() == 0


def test_all_is_as_it_was_when_it_is_on_again(switch: Switch) -> None:
    scheduler = Scheduler(draining=False)
    limited(scheduler)
    parts = [(Verdicts, "record"), (Setpoint, "__call__"), (Channel, "look")]
    before = [getattr(owner, name) for owner, name in parts], scheduler.schedule
    switch.set("off")
    assert switch.set("on") == {"state": "on", "out": []}
    assert ([getattr(owner, name) for owner, name in parts], scheduler.schedule) == before


def test_the_wrapper_is_out_only_where_the_limits_need_one(switch: Switch) -> None:
    SchedulerLimits(Scheduler(draining=False)).set({"tokens": 512}, 1)
    limited(Scheduler(draining=True))
    assert "scheduler.schedule" not in switch.set("off")["out"]


def test_a_process_without_a_scheduler_takes_no_wrapper_out(switch: Switch) -> None:
    assert switch.set("off")["out"] == ["Verdicts.record", "Setpoint.__call__", "Channel.look"]


def test_a_process_tells_that_it_follows_before_it_is_asked_and_then_what_is_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, switch: Switch
) -> None:
    answer = tmp_path / f"switch.{os.getpid()}"
    seen: list[Any] = []

    def sleep(_seconds: float) -> None:
        seen.append(json.loads(answer.read_text()))
        if len(seen) == 2:
            raise StopAsyncIteration  # in place of the end of the process
        (tmp_path / "switch").write_text("off")

    monkeypatch.setattr(setpoint_benchmark_switch, "_FILE", tmp_path / "switch")
    monkeypatch.setattr("time.sleep", sleep)
    with pytest.raises(StopAsyncIteration):
        setpoint_benchmark_switch._follow(switch)
    assert [each["state"] for each in seen] == ["", "off"]
    assert seen[1]["out"]
