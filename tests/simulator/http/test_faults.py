"""Faults: their words, and what they do."""

from collections.abc import Callable
from pathlib import Path

import pytest

from setpoint.simulator.http.fault_control import FaultControl, Pace
from setpoint.simulator.http.faults import Faults, parse_faults
from setpoint.simulator.http.scrape import Scrape
from setpoint.simulator.http.series import Registry
from setpoint.simulator.step import Step


class Controlled:
    """A fault control and what it controls."""

    def __init__(self) -> None:
        self.registry = Registry()
        self.counter = self.registry.counter("events", "Events")
        self.histogram = self.registry.histogram("sizes", "Sizes", (1, 2))
        self.pace = Pace(lambda _: 0.01, 2.0)
        self.hung: list[bool] = []
        self.scrape = Scrape(self.registry, lambda: None)
        self.control = FaultControl(self.pace, self.hung.append, self.scrape, self.registry)

    def now(self, words: str) -> None:
        """Let these faults hold."""
        self.control.apply(parse_faults(words))

    def sample(self, name: str) -> float:
        """A sample as /metrics shows it."""
        lines = (self.scrape.body() or b"").decode().splitlines()
        return float(next(line for line in lines if line.startswith(f"{name} ")).split()[1])


@pytest.fixture
def controlled() -> Controlled:
    return Controlled()


def test_words_name_faults_parted_by_commas_or_space() -> None:
    assert parse_faults("") == Faults()
    assert parse_faults("hang,slow:2.5\n metrics-frozen\n") == Faults(
        hang=True, slow=2.5, metrics_frozen=True
    )


@pytest.mark.parametrize(
    "words", ["hnag", "slow", "slow:", "slow:0", "slow:-1", "slow:nan", "slow:inf", "hang:1"]
)
def test_a_word_that_names_no_fault_is_told_with_those_that_do(words: str) -> None:
    with pytest.raises(ValueError, match=r"slow:"):
        parse_faults(words)


def test_a_slow_node_takes_a_factor_longer_until_it_is_well(controlled: Controlled) -> None:
    controlled.now("slow:3")
    assert controlled.pace(Step(1)) == pytest.approx(0.06)
    controlled.now("")
    assert controlled.pace(Step(1)) == pytest.approx(0.02)


def test_a_hang_begins_and_ends(controlled: Controlled) -> None:
    controlled.now("hang")
    controlled.now("hang")
    controlled.now("")
    assert controlled.hung == [True, False]


def test_frozen_metrics_say_what_they_said(controlled: Controlled) -> None:
    controlled.counter.add()
    controlled.now("metrics-frozen")
    controlled.counter.add()
    assert controlled.sample("events_total") == 1
    controlled.now("metrics-frozen,slow:2")
    assert controlled.sample("events_total") == 1
    controlled.now("")
    assert controlled.sample("events_total") == 2


def test_refused_metrics_say_nothing(controlled: Controlled) -> None:
    controlled.now("metrics-refused")
    assert controlled.scrape.body() is None


def test_reset_counters_are_those_of_a_process_that_has_just_started(controlled: Controlled) -> None:
    started = controlled.sample("process_start_time_seconds")
    controlled.counter.add(5)
    controlled.histogram.observe(1)
    controlled.now("counters-reset")
    controlled.counter.add()
    controlled.now("counters-reset,hang")
    assert controlled.sample("events_total") == 1
    assert controlled.sample("sizes_count") == 0
    assert controlled.sample("process_start_time_seconds") > started


def test_a_second_server_counts_the_same_again_from_when_it_is_there(controlled: Controlled) -> None:
    controlled.counter.add(10)
    controlled.now("double-count")
    controlled.counter.add(3)
    controlled.histogram.observe(2, 4)
    assert controlled.sample("events_total") == 16
    assert controlled.sample("sizes_count") == 8
    controlled.now("")
    controlled.counter.add()
    assert controlled.sample("events_total") == 17


def test_a_crash_cannot_be_taken_back(controlled: Controlled) -> None:
    controlled.now("crash")
    controlled.now("")
    assert controlled.control.crashed.is_set()


@pytest.mark.parametrize(
    "spoil",
    [Path.unlink, lambda path: path.write_text("nonsense"), lambda path: path.write_bytes(b"\xff\xfe")],
)
def test_a_control_file_is_followed_and_nonsense_in_it_is_not(
    controlled: Controlled, tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    path = tmp_path / "faults"
    controlled.control.look(path)
    path.write_text("hang")
    controlled.control.look(path)
    spoil(path)
    controlled.control.look(path)
    assert controlled.hung == [True]
    path.write_text("")
    controlled.control.look(path)
    assert controlled.hung == [True, False]
