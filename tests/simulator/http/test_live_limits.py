"""What the limits files do to a running engine."""

import json
import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.simulator.http.live_limits import LiveLimits, Values, in_force
from setpoint.simulator.http.series import Registry
from setpoint.simulator.http.verdicts import Verdicts
from setpoint_vllm.limits_file import STEP_SECONDS, STEPS, Limit, LimitsFile
from tests.simulator.http.builders import Values as Samples

START: dict[Limit, float] = {
    Limit.SEQS: 256,
    Limit.TOKENS: 2048,
    Limit.LONG_PREFILL: math.inf,
    Limit.QUEUED_REQS: math.inf,
    Limit.QUEUED_TOKENS: math.inf,
}


class Channel:
    """Two files, and an engine that keeps to all it is told unless it is told `at_least` sequences."""

    def __init__(self, folder: Path) -> None:
        self.config_map, self.annotation = folder / "limits.json", folder / "annotation"
        self.time = 1000.0
        self.at_least = 1.0
        registry = Registry()
        self.verdicts = Verdicts(registry)
        self.value = Samples(registry)
        self.live = LiveLimits(
            [self.config_map, self.annotation], START, self._apply, registry, self.verdicts, lambda: self.time
        )

    def write(self, path: Path, generation: int, seqs: int, **changed: Any) -> None:
        """Write one file, and look."""
        path.write_text(
            json.dumps({"generation": generation, "limits": {"seqs": seqs}, "writer": "a"} | changed)
        )
        self.live.look()

    @property
    def seqs(self) -> float:
        """What /metrics shows to be in force."""
        return self.value("setpoint_engine_limit", engine="0", limit="seqs")

    def _apply(self, values: Values) -> Values:
        return {**values, Limit.SEQS: max(values[Limit.SEQS], self.at_least)}


@pytest.fixture
def channel(tmp_path: Path) -> Channel:
    return Channel(tmp_path)


def test_without_a_file_the_start_values_hold_and_are_shown(channel: Channel) -> None:
    channel.live.look()
    assert channel.seqs == 256
    assert channel.value("setpoint_engine_limit", engine="0", limit="queuedReqs") == math.inf
    assert channel.value("setpoint_engine_limit_generation", engine="0", writer="") == 0


def test_the_higher_generation_wins_by_whichever_file_it_comes(channel: Channel) -> None:
    channel.write(channel.config_map, 3, 30)
    channel.write(channel.annotation, 5, 50)
    assert channel.seqs == 50
    channel.write(channel.config_map, 4, 40)
    assert channel.seqs == 50
    channel.write(channel.config_map, 6, 60, writer="b")
    assert channel.seqs == 60
    assert channel.value("setpoint_engine_limit_generation", engine="0", writer="b") == 6
    assert channel.value("setpoint_engine_limit_generation", engine="0", writer="a") == 5


def test_what_is_in_force_is_shown_and_not_what_was_wanted(channel: Channel) -> None:
    channel.at_least = 16
    channel.write(channel.annotation, 1, 4)
    assert channel.seqs == 16
    channel.write(channel.annotation, 2, 100_000)
    assert channel.seqs == 256


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_text("{"),
        lambda path: path.write_bytes(b"\xff"),
        lambda path: path.unlink(),
        lambda path: path.write_text("[" * 100_000),
    ],
)
def test_what_cannot_be_read_keeps_the_last_good(channel: Channel, spoil: Callable[[Path], object]) -> None:
    channel.write(channel.annotation, 5, 50)
    spoil(channel.annotation)
    channel.live.look()
    assert channel.seqs == 50


def test_a_lease_that_runs_out_goes_back_in_steps_and_a_renewal_ends_that(channel: Channel) -> None:
    objectives = [{"name": "itl", "metric": "InterTokenLatency", "threshold": 0.05}]
    channel.write(channel.annotation, 5, 50, expires=1060, objectives=objectives)
    channel.time = 1059
    channel.live.look()
    assert channel.seqs == 50
    seen = []
    for channel.time in (1060, 1069, 1070, 1080):
        channel.live.look()
        seen.append(channel.seqs)
    assert seen == [100, 100, 200, 256]
    assert [objective.name for objective in channel.verdicts.objectives] == ["itl"]
    channel.write(channel.annotation, 5, 50, expires=2000)
    assert channel.seqs == 50


def test_a_queue_limit_doubles_too_until_there_is_none(channel: Channel) -> None:
    channel.write(channel.annotation, 5, 50, expires=1000, limits={"queuedReqs": 3})
    seen = []
    for channel.time in (1000, 1010, 1070, 1079, 1080):
        channel.live.look()
        seen.append(channel.value("setpoint_engine_limit", engine="0", limit="queuedReqs"))
    assert seen == [6, 12, 3 * 2**8, 3 * 2**8, math.inf]


limits = st.dictionaries(st.sampled_from(list(Limit)), st.integers(1, 10_000))


@given(limits, st.floats(0, 100), st.floats(0, 100))
def test_no_file_loosens_what_the_engine_was_started_with(
    wanted: dict[Limit, int], expires: float, now: float
) -> None:
    start = START | {Limit.LONG_PREFILL: 64.0}
    file = LimitsFile(1, "", expires, wanted, ())
    values = in_force(file, now, start)
    assert all(values[limit] <= start[limit] for limit in Limit)


@given(limits)
def test_from_any_limits_the_start_is_reached_once_the_lease_is_over(wanted: dict[Limit, int]) -> None:
    file = LimitsFile(1, "", 10, wanted, ())
    times = [0.0, *(10 + STEP_SECONDS * step for step in range(STEPS + 1))]
    values = [in_force(file, time, START) for time in times]
    assert all(earlier[limit] <= later[limit] for earlier, later in pairwise(values) for limit in Limit)
    assert values[-1] == START == in_force(LimitsFile(), 0, START)
