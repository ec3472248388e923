"""A ceiling that is set below the start value: where a limit rests in Auto."""

from dataclasses import replace

import pytest

from setpoint.tuner.baseline import Baseline
from setpoint.tuner.guard import Memory, Policy, propose
from setpoint.tuner.knobs import Bounds, Knobs, limits
from setpoint.tuner.state import Mode, OnStop, Reason
from setpoint.tuner.tuner import LEASE_SECONDS
from setpoint_vllm.limits_file import Limit
from tests.tuner.builders import BAD, START, Tuned, a_situation, a_window, settings

CEILING = Bounds(most_tokens=2048)
AT_CEILING = Knobs(tokens=2048)


def told(mode: Mode = Mode.AUTO, bounds: Bounds = CEILING) -> Tuned:
    """An engine that follows its limits file, at its start values."""
    tuned = Tuned(settings(mode, bounds=bounds))
    tuned.look()
    assert tuned.state.knobs == Knobs()
    return tuned


@pytest.fixture
def tuned() -> Tuned:
    return told()


def test_it_is_wanted_as_soon_as_an_engine_follows_its_file(tuned: Tuned) -> None:
    decision = tuned.look()
    assert tuned.state.knobs == AT_CEILING
    assert (decision.reason, decision.change and decision.change.policy) == (Reason.GUARDING, Policy.CEILING)
    assert limits(tuned.state.knobs, START)[Limit.TOKENS] == 2048


def test_nothing_moves_while_an_engine_cannot_be_read(tuned: Tuned) -> None:
    tuned.look(missing={"b": "no answer"})
    assert tuned.state.knobs == Knobs()


@pytest.mark.parametrize("mode", [Mode.RECOMMEND, Mode.DISABLED])
def test_only_auto_keeps_to_it(mode: Mode) -> None:
    tuned = told(mode)
    tuned.look()
    assert tuned.state.knobs == Knobs()


@pytest.mark.parametrize(("on_stop", "left"), [(OnStop.RESTORE, Knobs()), (OnStop.KEEP, AT_CEILING)])
def test_leaving_auto_treats_it_as_any_limit(tuned: Tuned, on_stop: OnStop, left: Knobs) -> None:
    tuned.look()
    tuned.settings = replace(tuned.settings, mode=Mode.RECOMMEND, on_stop=on_stop)
    tuned.look()
    assert (tuned.state.knobs, tuned.state.expires_seconds) == (left, None)


def test_one_above_the_start_value_is_none() -> None:
    tuned = told(bounds=Bounds(most_tokens=START.tokens, most_seqs=START.seqs + 1))
    tuned.look()
    assert tuned.state.knobs == Knobs()


def test_its_lease_is_renewed_though_nobody_asks_anything(tuned: Tuned) -> None:
    for _ in range(300):
        tuned.look(running=0.0)
    assert tuned.state.knobs == AT_CEILING
    assert tuned.state.expires_seconds is not None
    assert tuned.state.expires_seconds > tuned.now + LEASE_SECONDS / 4
    assert tuned.state.generation == 2


def test_what_is_lowered_further_has_a_lease_that_needs_traffic(tuned: Tuned) -> None:
    tuned.lower()
    expires = tuned.state.expires_seconds
    assert tuned.state.knobs.tokens is not None
    assert tuned.state.knobs.tokens < 2048
    for _ in range(100):
        tuned.look(running=0.0)
    assert tuned.state.expires_seconds == expires


def test_a_ceiling_that_is_taken_away_is_left_in_steps() -> None:
    situation = a_situation(knobs=AT_CEILING, rest=Knobs())
    proposal = propose(situation)
    assert proposal is not None
    assert (proposal.policy, proposal.knobs) == (Policy.GO_BACK, Knobs(tokens=4096))


@pytest.mark.parametrize(("tokens", "raised"), [(512, 1024), (1024, 2048), (1500, 2048)])
def test_limits_go_back_to_it_and_no_further(tokens: int, raised: int) -> None:
    for window in (a_window(), a_window(ttft=BAD, waiting=50.0)):
        proposal = propose(
            a_situation(window, knobs=Knobs(tokens=tokens), rest=AT_CEILING, ceiling=AT_CEILING)
        )
        assert proposal is not None
        assert proposal.knobs == Knobs(tokens=raised)


def test_at_it_nothing_is_raised_and_a_queue_is_bounded() -> None:
    proposal = propose(
        a_situation(a_window(ttft=BAD, waiting=50.0), knobs=AT_CEILING, rest=AT_CEILING, ceiling=AT_CEILING)
    )
    assert proposal is not None
    assert proposal.policy is Policy.SHED
    assert proposal.knobs.tokens == 2048


def test_what_did_not_help_goes_back_to_it() -> None:
    before = Baseline(a_window().requests, 8.0)
    worse = a_window(itl=BAD, good=100.0, late=400.0)
    rest = Knobs(tokens=2048, seqs=64)
    for knobs, undone in ((Knobs(512, 32), Knobs(2048, 32)), (Knobs(2048, 32), rest)):
        memory = Memory(baseline=before, not_before_seconds=1e9)
        proposal = propose(a_situation(worse, knobs=knobs, rest=rest, memory=memory, bounds=Bounds(8192, 32)))
        assert proposal is not None
        assert (proposal.policy, proposal.knobs) == (Policy.UNDO, undone)
        assert proposal.memory.is_undoing == (undone != rest)


def test_sequences_have_one_too() -> None:
    tuned = told(bounds=Bounds(most_seqs=64))
    tuned.look()
    assert limits(tuned.state.knobs, START) == {Limit.SEQS: 64}
