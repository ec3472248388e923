"""How long limits are lent to an engine, and what becomes of them when the mode is no longer Auto."""

from dataclasses import replace

import pytest

from setpoint.signals.reading import Judged
from setpoint.tuner.knobs import Knobs
from setpoint.tuner.state import Mode, OnStop
from setpoint.tuner.tuner import DOUBLINGS_SECONDS, LEASE_SECONDS
from tests.tuner.builders import Tuned, rank_of, settings


def test_a_lease_is_renewed_at_half_its_life(lowered: Tuned) -> None:
    assert lowered.state.expires_seconds == lowered.now + LEASE_SECONDS
    lowered.begin()
    ends = lowered.now + LEASE_SECONDS / 2 + 11.0
    lowered.state = replace(lowered.state, expires_seconds=ends)
    lowered.serve()
    lowered.look()
    assert lowered.state.expires_seconds == ends
    lowered.look()
    assert lowered.state.expires_seconds == lowered.now + LEASE_SECONDS
    assert lowered.state.generation == 2


@pytest.mark.parametrize("why", ["missing", "foreign", "unsupported", "idle"])
def test_a_lease_is_not_renewed_while_data_are_not_good(lowered: Tuned, why: str) -> None:
    lowered.begin()
    ends = lowered.state.expires_seconds
    for _ in range(16):
        if why == "missing":
            lowered.look({}, {"engine-0": "no answer"}, seconds=100.0)
        elif why == "foreign":
            lowered.look(ranks=rank_of(lowered, writer="somebody"), seconds=100.0)
        elif why == "unsupported":
            lowered.look(supported=False, seconds=100.0)
        else:
            lowered.look(running=0, seconds=100.0)
    assert lowered.state.expires_seconds == ends


def test_a_lease_ends_where_too_few_come_to_tell_anything_by(lowered: Tuned) -> None:
    ends = lowered.state.expires_seconds or 0.0
    while lowered.now < ends:
        lowered.serve(Judged(1), Judged(100), requests=1.0)
        lowered.look(running=0.0, seconds=60.0)
    assert (lowered.state.knobs, lowered.state.expires_seconds) == (Knobs(), None)


def test_a_lease_ends_where_no_window_is_ever_long_enough(lowered: Tuned) -> None:
    ends = lowered.state.expires_seconds or 0.0
    while lowered.now < ends:
        lowered.serve()
        lowered.look()
        lowered.look({}, {"engine-0": "no answer"}, seconds=60.0)
        lowered.look({}, {"engine-0": "no answer"}, seconds=60.0)
    lowered.look()
    assert (lowered.state.knobs, lowered.state.expires_seconds) == (Knobs(), None)


def test_a_lease_that_runs_out_unseen_is_left_to_the_engine_which_goes_back_in_doublings(
    lowered: Tuned,
) -> None:
    before = lowered.state
    lowered.look({}, {"engine-0": "no answer"}, seconds=LEASE_SECONDS)
    assert (lowered.state.knobs, lowered.state.generation) == (before.knobs, before.generation)
    lowered.look()
    assert lowered.state.knobs == Knobs()


def test_limits_whose_lease_has_run_out_are_wanted_no_longer(lowered: Tuned) -> None:
    lowered.look({}, {"engine-0": "no answer"}, seconds=LEASE_SECONDS + DOUBLINGS_SECONDS)
    assert (lowered.state.knobs, lowered.state.expires_seconds, lowered.state.generation) == (
        Knobs(),
        None,
        3,
    )


def test_start_values_need_no_lease(tuned: Tuned) -> None:
    assert tuned.state.expires_seconds is None


@pytest.mark.parametrize("mode", [Mode.DISABLED, Mode.RECOMMEND])
def test_limits_go_back_when_the_mode_is_auto_no_longer(lowered: Tuned, mode: Mode) -> None:
    lowered.settings = settings(mode)
    lowered.look()
    assert (lowered.state.knobs, lowered.state.generation) == (Knobs(), 3)


@pytest.mark.parametrize("mode", [Mode.DISABLED, Mode.RECOMMEND])
def test_limits_stay_without_a_lease_where_that_is_wanted(lowered: Tuned, mode: Mode) -> None:
    lowered.settings = settings(mode, on_stop=OnStop.KEEP)
    lowered.look()
    for _ in range(3):
        lowered.look(seconds=LEASE_SECONDS)
    assert (lowered.state.knobs, lowered.state.generation) == (Knobs(tokens=4096), 2)
    assert lowered.state.expires_seconds is None


@pytest.mark.parametrize("mode", [Mode.DISABLED, Mode.RECOMMEND])
def test_limits_whose_lease_ran_out_before_do_not_stay(lowered: Tuned, mode: Mode) -> None:
    lowered.settings = settings(mode, on_stop=OnStop.KEEP)
    lowered.look(seconds=LEASE_SECONDS)
    assert (lowered.state.knobs, lowered.state.generation) == (Knobs(), 3)


def test_limits_that_stayed_are_lent_again_when_the_mode_is_auto_again(lowered: Tuned) -> None:
    lowered.settings = settings(Mode.RECOMMEND, on_stop=OnStop.KEEP)
    lowered.look()
    lowered.settings = settings()
    lowered.look()
    assert lowered.state.expires_seconds == lowered.now + LEASE_SECONDS
