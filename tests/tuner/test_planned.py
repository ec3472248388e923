"""When a plan moves limits, and when it gives way."""

from dataclasses import replace
from typing import Any

import pytest

from setpoint.signals.window import Window
from setpoint.tuner.guard import Baseline, Memory, Policy, Proposal, Situation, propose
from setpoint.tuner.knobs import Bounds, Knobs, Start
from setpoint.tuner.learning import Learned
from setpoint.tuner.planned import LOCK_OUT_SECONDS, MOST_MOVES, Planned, pursue, shortfall
from setpoint.tuner.planning import Plan
from tests.tuner.builders import BAD, a_situation, a_window
from tests.tuner.engines import COST, a_busy_window, after, objectives

TO_512 = Plan({512: 40.0, 1024: 20.0, 8192: 10.0})
TO_START = Plan({512: 10.0, 1024: 20.0, 8192: 40.0})
NOW = 10_000.0


def a_plan(made: Plan | None = TO_512, **changes: Any) -> Planned:
    """A plan that has moved nothing yet."""
    return Planned(**{"plan": made, **changes})


def resting(planned: Planned, **changes: Any) -> Situation:
    """A complete window in which limits rest where the plan has them."""
    rest = planned.rest(Knobs())
    return a_situation(**{"knobs": rest, "rest": rest, "now_seconds": NOW, **changes})


def act(situation: Situation, planned: Planned) -> tuple[Proposal | None, Planned]:
    return pursue(situation, propose(situation), planned)


def test_gaps_that_are_too_long_bring_the_budget_to_the_plan_in_one_move() -> None:
    proposal, planned = act(resting(a_plan(), window=a_window(itl=BAD)), a_plan())
    assert proposal is not None
    assert (proposal.policy, proposal.knobs) == (Policy.PLAN, Knobs(tokens=512))
    assert "between-tokens: 30 %" in proposal.cause
    assert "up to 40 requests/s with 512 tokens a step, and up to 10 with 8192" in proposal.cause
    assert planned.rest(Knobs()) == Knobs(tokens=512)


def test_a_change_by_plan_is_held_against_how_things_were() -> None:
    proposal, _ = act(resting(a_plan(), window=a_window(itl=BAD)), a_plan())
    assert proposal is not None
    assert proposal.memory.baseline is not None


def test_more_room_is_taken_while_nothing_is_broken() -> None:
    proposal, planned = act(resting(a_plan()), a_plan())
    assert proposal is not None
    assert (proposal.policy, proposal.knobs) == (Policy.PLAN, Knobs(tokens=512))
    assert planned.tokens == 512


def test_a_budget_goes_up_in_steps_of_two() -> None:
    planned = a_plan(TO_START, tokens=512)
    proposal, planned = act(resting(planned), planned)
    assert proposal is not None
    assert proposal.knobs == Knobs(tokens=1024)
    assert planned.rest(Knobs()) == Knobs()


def test_late_first_tokens_bring_a_larger_budget_in_one_move() -> None:
    planned = a_plan(TO_START, tokens=512)
    proposal, _ = act(resting(planned, window=a_window(ttft=BAD, waiting=50.0)), planned)
    assert proposal is not None
    assert (proposal.policy, proposal.knobs) == (Policy.PLAN, Knobs())


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"is_complete": False}, "the window is not over"),
        ({"knobs": Knobs(tokens=4096)}, "the guard has moved it"),
        ({"window": a_window(ttft=BAD)}, "something is broken of which it says nothing"),
    ],
)
def test_a_plan_waits_when(changes: dict[str, Any], why: str) -> None:
    situation = resting(a_plan(), **changes)
    assert pursue(situation, None, a_plan()) == (None, a_plan()), why


def test_what_is_not_predicted_to_serve_what_comes_changes_nothing() -> None:
    crowd = a_window(itl=BAD, good=6000.0)
    proposal, _ = act(resting(a_plan(), window=crowd), a_plan())
    assert proposal is not None
    assert proposal.policy is Policy.SMALLER_BUDGET


def test_a_plan_moves_limits_no_more_than_so_often_in_an_hour() -> None:
    moved = tuple(NOW - 60.0 * number for number in range(MOST_MOVES))
    assert act(resting(a_plan()), a_plan(moved_seconds=moved))[0] is None
    long_ago = tuple(each - 3600.0 for each in moved)
    assert act(resting(a_plan()), a_plan(moved_seconds=long_ago))[0] is not None


def test_what_made_things_worse_is_undone_and_not_tried_again_for_an_hour() -> None:
    planned = a_plan(tokens=512)
    memory = Memory(baseline=Baseline(a_window().requests, a_window().arrivals_per_second))
    worse = resting(planned, window=a_window(late=100.0, itl=BAD), memory=memory)
    worse = replace(worse, bounds=Bounds(least_tokens=512))
    proposal, left = act(worse, planned)
    assert proposal is not None
    assert (proposal.policy, proposal.knobs) == (Policy.UNDO, Knobs())
    assert left.rest(Knobs()) == Knobs()
    assert not left.may_move(NOW + LOCK_OUT_SECONDS - 1)
    assert left.may_move(NOW + LOCK_OUT_SECONDS)


def test_late_first_tokens_go_before_a_plan_that_has_nothing_better() -> None:
    planned = a_plan(tokens=512)
    proposal, left = act(resting(planned, window=a_window(ttft=BAD, waiting=50.0)), planned)
    assert proposal is not None
    assert (proposal.policy, proposal.knobs) == (Policy.RAISE_FOR_FIRST_TOKENS, Knobs(tokens=1024))
    assert left.rest(Knobs()) == Knobs(tokens=1024)
    assert not left.may_move(NOW)


def test_it_rests_no_higher_than_a_ceiling() -> None:
    assert a_plan(tokens=512).rest(Knobs(tokens=256, seqs=64)) == Knobs(tokens=256, seqs=64)


def test_a_plan_is_due_once_something_is_known_and_again_when_that_is_different() -> None:
    start, promise = Start(8192, 1024), objectives(0.025, 1.0)
    assert not Planned().is_due(Bounds())
    known = Planned(known=after(4, a_busy_window(COST)))
    assert known.is_due(Bounds())
    made = known.revised(promise, start, Bounds())
    assert made.plan is not None
    assert not made.is_due(Bounds())
    assert made.is_due(Bounds(least_tokens=1024))
    assert replace(made, known=replace(made.known, output_tokens=400.0)).is_due(Bounds())


def test_windows_teach() -> None:
    assert Planned().taught(a_busy_window(COST)).known != Learned()


def test_a_shortfall_says_how_many_replicas_would_keep_the_promise() -> None:
    crowd = a_window(itl=BAD, good=6000.0)
    said = shortfall(resting(a_plan(), window=crowd), a_plan())
    assert said.startswith("100 requests/s come,")
    assert said.endswith("more than 40: 3 replicas would")


def test_a_shortfall_that_no_replica_ends_says_what_would() -> None:
    hopeless = a_plan(Plan({512: 0.0, 8192: 0.0}))
    assert "a faster GPU" in shortfall(resting(hopeless, window=a_window(itl=BAD)), hopeless)


@pytest.mark.parametrize(
    ("planned", "window"),
    [(a_plan(None), a_window(itl=BAD)), (a_plan(), a_window()), (a_plan(), a_window(itl=BAD))],
)
def test_nothing_falls_short_where(planned: Planned, window: Window) -> None:
    assert shortfall(resting(planned, window=window), planned) == ""


def test_a_flag_is_advised_where_it_is_predicted_to_be_better() -> None:
    assert "--max-num-batched-tokens=512" in a_plan().advice(Start(8192, 1024))
    assert a_plan(TO_START).advice(Start(8192, 1024)) == ""
    assert a_plan(None).advice(Start(8192, 1024)) == ""
