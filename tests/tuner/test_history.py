"""The window of a promise: what happened in the last minutes, interval by interval."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.signals.reading import Counters, Judged, Reading, Steps
from setpoint.signals.window import DataState, difference
from setpoint.tuner.history import KEPT_PER_WINDOW, History
from tests.signals.builders import a_reading

WINDOW_SECONDS = 300.0
Engines = Mapping[str, Reading]


def history(moments: Sequence[tuple[float, Engines]]) -> History:
    kept = History(WINDOW_SECONDS)
    for now, readings in moments:
        kept = kept.with_readings(now, readings)
    return kept


def an_engine(at_seconds: float, good: float, running: float = 10.0) -> Reading:
    """An engine that has answered so many requests, each in ten steps of 100 tokens."""
    return a_reading(
        at_seconds,
        running=running,
        good=good,
        generation_tokens=100 * good,
        judged={"gaps": Judged(99 * good, good)},
        steps_by_size={128.0: Steps(10 * good)},
    )


def test_a_window_is_as_long_as_it_should_be_and_forgets_what_was_before() -> None:
    moments = [(at, {"a": an_engine(at, at)}) for at in (15.0 * each for each in range(100))]
    window = history(moments).until(moments[-1][1]).window
    assert window
    assert (window.seconds, window.counted.good) == (WINDOW_SECONDS, WINDOW_SECONDS)
    assert window.counted.judged == {"gaps": Judged(99 * WINDOW_SECONDS, WINDOW_SECONDS)}


def test_an_engine_that_started_anew_loses_only_the_time_in_which_it_did() -> None:
    seen = [(0.0, 100.0), (15.0, 120.0), (30.0, 5.0), (45.0, 25.0)]
    moments = [(at, {"a": an_engine(at, good)}) for at, good in seen]
    window = history(moments).until(moments[-1][1]).window
    assert window
    assert (window.seconds, window.counted.good) == (30.0, 40.0)


def test_nothing_is_told_of_engines_that_were_never_seen() -> None:
    assert History(WINDOW_SECONDS).until({"a": a_reading(9)}).state is DataState.MISSING


def test_a_clock_that_was_set_back_begins_the_history_anew() -> None:
    kept = history([(15.0 * each, {"a": an_engine(15.0 * each, each)}) for each in range(300, 340)])
    kept = kept.with_readings(0.0, {"a": an_engine(0.0, 400.0)})
    assert [each.at_seconds for each in kept.moments] == [0.0]
    kept = kept.with_readings(15.0, {"a": an_engine(15.0, 415.0)})
    window = kept.until(kept.readings).window
    assert window
    assert (window.seconds, window.counted.good) == (15.0, 15.0)


def test_readings_are_kept_of_one_moment_only() -> None:
    kept = history([(at, {"a": an_engine(at, at)}) for at in (15.0 * each for each in range(50))])
    assert len(kept.moments) == KEPT_PER_WINDOW + 1
    assert kept.readings["a"].at_seconds == 49 * 15.0


whole = st.integers(0, 1000).map(float)
engines = st.fixed_dictionaries(
    {},
    optional={
        name: st.builds(
            lambda good, late, running, gaps: a_reading(
                running=running,
                good=good,
                generation_tokens=good,
                late=late,
                judged={"gaps": Judged(gaps, late)},
                steps_by_size={128.0: Steps(good)},
            ),
            *(whole, whole, st.sampled_from([0.0, 3.0]), whole),
        )
        for name in ("a", "b")
    },
)


@given(st.lists(engines, min_size=1, max_size=8))
def test_a_window_is_the_sum_of_its_intervals_that_may_be_believed(seen: list[Engines]) -> None:
    moments = [
        (15.0 * number, {name: replace(each, at_seconds=15.0 * number) for name, each in of.items()})
        for number, of in enumerate(seen)
    ]
    steps = [difference(before, after) for (_, before), (_, after) in pairwise([*moments, moments[-1]])]
    believed = [each.window for each in steps if each.window and each.state in {DataState.OK, DataState.IDLE}]
    found = history(moments).until(moments[-1][1]).window
    if not believed:
        assert found is None
        return
    assert found
    counted = sum((each.counted for each in believed), start=Counters())
    assert found.counted.good == counted.good
    assert found.counted.judged == counted.judged
    assert found.seconds == pytest.approx(sum(each.seconds for each in believed))
    assert (found.running, found.waiting) == (believed[-1].running, believed[-1].waiting)
    assert found.in_hand_before == believed[0].in_hand_before
