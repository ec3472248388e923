"""What happened between two readings, and which pairs of readings say nothing."""

import math
from dataclasses import replace
from functools import reduce
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.signals.reading import Counters, Judged, Reading, Steps
from setpoint.signals.window import DataState, Window, difference, pool
from setpoint_vllm.limits_file import Latency
from tests.signals.builders import a_reading, judged


def between(before: Reading, after: Reading) -> tuple[DataState, Window | None]:
    seen = difference({"a": before}, {"a": after})
    return seen.state, seen.window


def test_a_window_is_what_was_counted_since() -> None:
    before = a_reading(0, good=1, late=1, judged=judged(ttft=(2, 1)), steps_by_size={8.0: Steps(1)})
    after = a_reading(
        29, good=6, late=3, judged=judged(ttft=(9, 2), itl=(5, 0)), steps_by_size={8.0: Steps(4)}
    )
    state, window = between(before, after)
    assert window
    assert (state, window.seconds, window.requests) == (DataState.OK, 29, Judged(5, 2))
    assert window.counted.judged == judged(ttft=(7, 1), itl=(5, 0))
    assert window.counted.steps_by_size == {8.0: Steps(3)}


def test_shed_and_failed_requests_are_bad_and_those_that_were_cut_are_neither() -> None:
    _, window = between(a_reading(0), a_reading(9, good=1, late=2, shed=3, failed=4, cut=5))
    assert window
    assert window.requests == Judged(1, 9)


@pytest.mark.parametrize(
    ("values", "arrived"),
    [
        ({"good": 5, "late": 1, "shed": 2, "failed": 1, "cut": 1}, 10),
        ({"good": 5, "running": 8}, 10),
        ({"good": 5, "running": 0}, 2),
        ({"running": 0}, 0),
    ],
)
def test_what_arrived_is_what_ended_and_what_is_more_in_hand(values: dict[str, Any], arrived: float) -> None:
    _, window = between(a_reading(0), a_reading(10, **values))
    assert window
    assert (window.arrived, window.arrivals_per_second) == (arrived, arrived / 10)


FALLEN = [
    {"good": 1.0}, {"late": 1.0}, {"shed": 1.0}, {"failed": 1.0}, {"cut": 1.0}, {"prompt_tokens": 1.0},
    {"generation_tokens": 1.0}, {"preemptions": 1.0},
    {"judged": judged(ttft=(1, 0))}, {"judged": judged(ttft=(0, 1))}, {"steps_by_size": {8.0: Steps(1.0)}},
]  # fmt: skip


@pytest.mark.parametrize("before", FALLEN)
def test_any_counter_that_has_fallen_shows_an_engine_that_started_anew(before: dict[str, Any]) -> None:
    assert between(a_reading(0, **before), a_reading(9)) == (DataState.RESET, None)


def first_tokens(*counts: float) -> dict[Latency, dict[float, float]]:
    return {Latency.TTFT: dict(zip((0.5, math.inf), counts, strict=True))}


def test_a_histogram_that_has_fallen_shows_it_too() -> None:
    before, after = a_reading(0, latencies=first_tokens(2, 3)), a_reading(9, latencies=first_tokens(1, 3))
    assert between(before, after) == (DataState.RESET, None)


def test_latencies_are_those_between_two_readings_that_have_them() -> None:
    _, window = between(
        a_reading(0, latencies=first_tokens(2, 3)), a_reading(9, latencies=first_tokens(5, 7))
    )
    assert window
    assert window.counted.latencies == first_tokens(3, 4)


@pytest.mark.parametrize("ends", [(first_tokens(5, 7), {}), ({}, first_tokens(5, 7))])
def test_a_histogram_that_one_reading_lacks_says_nothing(ends: tuple[dict[Any, Any], dict[Any, Any]]) -> None:
    before, after = ends
    state, window = between(a_reading(0, latencies=before), a_reading(9, latencies=after))
    assert window
    assert (state, window.counted.latencies) == (DataState.OK, {})


def test_a_clock_that_went_back_gives_no_window() -> None:
    assert between(a_reading(9), a_reading(8)) == (DataState.RESET, None)


@pytest.mark.parametrize("in_hand", [{"running": 2.0}, {"running": 0.0, "waiting": 2.0}])
def test_an_engine_that_has_requests_and_gives_no_token_is_not_believed(in_hand: dict[str, Any]) -> None:
    state, _ = between(a_reading(0, **in_hand), a_reading(30, **in_hand))
    assert state is DataState.INCONSISTENT


def test_an_engine_that_gives_no_token_for_a_moment_may_be_in_a_long_prefill() -> None:
    state, _ = between(a_reading(0), a_reading(29))
    assert state is DataState.OK


def test_an_engine_that_nothing_was_asked_of_is_idle() -> None:
    state, _ = between(a_reading(0, running=0), a_reading(600, running=0))
    assert state is DataState.IDLE


@pytest.mark.parametrize(
    "came", [{"good": 1}, {"shed": 1}, {"cut": 1}, {"running": 1, "generation_tokens": 1}]
)
def test_an_engine_that_something_was_asked_of_is_not_idle(came: dict[str, Any]) -> None:
    state, _ = between(a_reading(0, running=0), a_reading(600, **{"running": 0, **came}))
    assert state is DataState.OK


def test_an_engine_that_came_or_went_is_no_part_of_a_window() -> None:
    before = {"stays": a_reading(0), "goes": a_reading(0, good=9)}
    after = {"stays": a_reading(9, good=1), "comes": a_reading(9, good=99)}
    window = difference(before, after).window
    assert window
    assert window.counted.good == 1


def test_when_no_engine_is_left_there_is_no_window() -> None:
    seen = difference({"goes": a_reading(0)}, {"comes": a_reading(9)})
    assert (seen.state, seen.window) == (DataState.RESET, None)


def test_one_engine_that_started_anew_spoils_the_window_of_all() -> None:
    before = {"a": a_reading(0), "b": a_reading(0, good=5)}
    assert difference(before, {"a": a_reading(9), "b": a_reading(9)}).state is DataState.RESET


whole = st.integers(min_value=0, max_value=2**40).map(float)
numbers = ("good", "late", "shed", "failed", "cut", "prompt_tokens", "preemptions")
counters = st.builds(
    Counters,
    **dict.fromkeys(numbers, whole),
    judged=st.dictionaries(st.sampled_from(["ttft", "itl"]), st.builds(Judged, whole, whole)),
    steps_by_size=st.dictionaries(st.sampled_from([8.0, 16.0, 32.0]), st.builds(Steps, whole, whole, whole)),
    latencies=st.dictionaries(
        st.sampled_from(Latency), st.fixed_dictionaries({math.inf: whole}, optional={0.5: whole, 1.0: whole})
    ),
)
windows = st.builds(
    Window,
    whole,
    counters,
    running=whole,
    waiting=whole,
    in_hand_before=whole,
    running_before=whole,
    kv_cache_usage=st.floats(0, 1),
)


@given(st.lists(windows, min_size=1, max_size=4), st.integers(0, 4))
def test_pooling_is_additive(some: list[Window], cut: int) -> None:
    parts = [each for each in (some[:cut], some[cut:]) if each]
    assert pool(map(pool, parts)) == pool(some)
    assert pool(some).counted.good == sum(each.counted.good for each in some)


@given(st.lists(windows, min_size=1, max_size=4))
def test_pooling_knows_no_order(some: list[Window]) -> None:
    assert pool(reversed(some)) == pool(some)


def grown(reading: Reading, seconds: float, good: float) -> Reading:
    counters = replace(reading.counters, good=reading.counters.good + good)
    return replace(reading, at_seconds=reading.at_seconds + seconds, counters=counters)


@given(st.lists(st.tuples(whole, whole), min_size=1, max_size=5))
def test_windows_one_after_another_count_as_much_as_the_one_over_all(
    steps: list[tuple[float, float]],
) -> None:
    readings = [a_reading(0.0)]
    for seconds, good in steps:
        readings.append(grown(readings[-1], seconds, good))
    each = [between(*pair)[1] for pair in pairwise(readings)]
    over_all = between(readings[0], readings[-1])[1]
    assert over_all
    assert over_all.counted.good == reduce(
        lambda sum_, window: sum_ + window.counted.good, filter(None, each), 0.0
    )
