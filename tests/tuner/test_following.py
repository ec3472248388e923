"""Whether the engines keep to what is wanted of them, and who else wants something."""

import pytest

from setpoint.tuner.following import IN_FORCE_WITHIN_SECONDS
from setpoint.tuner.state import Reason
from setpoint_vllm.limits_file import Limit
from tests.signals.builders import a_rank
from tests.tuner.builders import BAD, Tuned, rank_of


def test_an_engine_whose_limits_cannot_be_moved_is_said(tuned: Tuned) -> None:
    decision = tuned.look(supported=False)
    assert (decision.reason, decision.change) == (Reason.UNSUPPORTED, None)
    assert decision.message == "engine-0: its limits cannot be moved; its log says why"


def test_an_engine_without_the_plugin_is_said(tuned: Tuned) -> None:
    decision = tuned.look(ranks={}, supported=None, seconds=IN_FORCE_WITHIN_SECONDS)
    assert decision.reason is Reason.UNSUPPORTED
    assert decision.message == (
        "engine-0 does not follow: it shows no limits, as an engine that runs without setpoint_vllm or "
        "without a limits file"
    )


def test_an_engine_that_takes_no_new_generation_is_said(lowered: Tuned) -> None:
    old = rank_of(lowered, generation=1)
    assert lowered.look(ranks=old).reason is Reason.HOLDING
    decision = lowered.look(ranks=old, seconds=IN_FORCE_WITHIN_SECONDS)
    assert decision.reason is Reason.UNSUPPORTED
    assert decision.message == "engine-0 does not follow: generation 2 is not in force in rank 0"


def test_an_engine_that_takes_the_generation_but_not_the_limit_is_said(lowered: Tuned) -> None:
    ignoring = rank_of(lowered, in_force=a_rank().start)
    assert lowered.look(ranks=ignoring).reason is Reason.HOLDING
    decision = lowered.look(ranks=ignoring, seconds=IN_FORCE_WITHIN_SECONDS)
    assert decision.reason is Reason.UNSUPPORTED
    assert decision.message == "engine-0 does not follow: rank 0 keeps tokens at the start value"


def test_a_floor_of_the_plugin_s_own_is_no_refusal(lowered: Tuned) -> None:
    floor = rank_of(lowered, in_force={Limit.TOKENS: 5000, Limit.SEQS: 1024})
    assert lowered.look(ranks=floor, seconds=IN_FORCE_WITHIN_SECONDS).reason is Reason.GUARDING


@pytest.mark.parametrize("age", [-61.0, 61.0])
def test_an_engine_that_has_not_confirmed_its_limits_for_a_minute_is_said(tuned: Tuned, age: float) -> None:
    ranks = rank_of(tuned, confirmed_seconds=tuned.now + IN_FORCE_WITHIN_SECONDS - age)
    decision = tuned.look(ranks=ranks, seconds=IN_FORCE_WITHIN_SECONDS)
    assert decision.reason is Reason.UNSUPPORTED
    assert f"has told its limits {age:.0f} s ago" in decision.message


def test_limits_that_somebody_else_wrote_freeze_the_tuner(lowered: Tuned) -> None:
    foreign = rank_of(lowered, writer="somebody", generation=lowered.state.generation)
    before = lowered.state
    lowered.serve(itl=BAD)
    decision = lowered.look(ranks=foreign)
    assert (decision.reason, decision.change) == (Reason.FROZEN, None)
    assert decision.message == "engine-0: rank 0 keeps to limits written by somebody"
    assert lowered.state.generation == before.generation


def test_limits_of_a_writer_without_a_name_freeze_the_tuner_too(lowered: Tuned) -> None:
    foreign = rank_of(lowered, writer="", generation=lowered.state.generation + 1)
    decision = lowered.look(ranks=foreign)
    assert decision.reason is Reason.FROZEN
    assert decision.message.endswith("written by somebody who does not say who")


def test_limits_that_somebody_wrote_before_are_no_hindrance(tuned: Tuned) -> None:
    ranks = rank_of(tuned)
    assert tuned.look(ranks={**ranks, "1": ranks["0"]}).reason is Reason.HOLDING


@pytest.mark.parametrize("late_seconds", [15.0, 60.0])
def test_a_file_that_only_lends_anew_holds_nothing_up_until_an_engine_has_it(
    lowered: Tuned, late_seconds: float
) -> None:
    lowered.begin()
    old, began = lowered.state.generation, lowered.state.began
    lowered.told = old + 1
    assert lowered.look(ranks=rank_of(lowered, generation=old)).reason is Reason.GUARDING
    lowered.serve()
    assert (
        lowered.look(ranks=rank_of(lowered, generation=old), seconds=late_seconds).reason is Reason.GUARDING
    )
    assert lowered.state.began == began


def test_a_file_that_an_engine_does_not_take_for_long_is_said(lowered: Tuned) -> None:
    lowered.begin()
    old = lowered.state.generation
    lowered.told = old + 1
    lowered.look(ranks=rank_of(lowered, generation=old))
    decision = lowered.look(ranks=rank_of(lowered, generation=old), seconds=IN_FORCE_WITHIN_SECONDS)
    assert decision.reason is Reason.UNSUPPORTED
    assert decision.message == "engine-0 does not follow: generation 3 is not in force in rank 0"
