"""When a plan moves limits, and when it gives way."""

from dataclasses import replace
from typing import Any

import pytest

from setpoint.signals.reading import Judged
from setpoint.signals.window import Window
from setpoint.tuner.baseline import Baseline
from setpoint.tuner.guard import Memory, Policy, Proposal, Situation, propose
from setpoint.tuner.knobs import Bounds, Knobs, Start
from setpoint.tuner.learning import Learned
from setpoint.tuner.planned import LOCK_OUT_SECONDS, MOST_MOVES, Planned, pursue, shortfall
from setpoint.tuner.planning import Plan
from tests.tuner.builders import BAD, START, a_situation, a_window
from tests.tuner.engines import COST, a_busy_window, after, objectives

TO_512 = Plan({512: 40.0, 1024: 20.0, 8192: 10.0})
TO_START = Plan({512: 10.0, 1024: 20.0, 8192: 40.0})
NOW = 10_000.0


def a_plan(made: Plan | None = TO_512, **changes: Any) -> Planned:
    """A plan that has moved nothing yet."""
    return Planned(**{"plan": made, "start": START, **changes})


def resting(planned: Planned, **changes: Any) -> Situation:
    """A complete window in which limits rest where the plan has them."""
    rest = planned.rest(Knobs(), START, Bounds())
    return a_situation(**{"knobs": rest, "rest": rest, "now_seconds": NOW, **changes})


def act(situation: Situation, planned: Planned) -> tuple[Proposal | None, Planned]:
    return pursue(situation, propose(situation), planned)


def test_gaps_that_are_too_long_bring_the_budget_to_the_plan_in_one_move() -> None:
    proposal, planned = act(resting(a_plan(), window=a_window(itl=BAD)), a_plan())
    assert proposal is not None
    assert (proposal.policy, proposal.knobs) == (Policy.PLAN, Knobs(tokens=512))
    assert "between-tokens: 30 %" in proposal.cause
    assert "up to 40 requests/s with 512 tokens a step, and up to 10 with 8192" in proposal.cause
    assert planned.rest(Knobs(), START, Bounds()) == Knobs(tokens=512)


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
    assert planned.rest(Knobs(), START, Bounds()) == Knobs(tokens=1024)


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
    assert left.rest(Knobs(), START, Bounds()) == Knobs()
    assert not left.may_move(NOW + LOCK_OUT_SECONDS - 1)
    assert left.may_move(NOW + LOCK_OUT_SECONDS)


def test_late_first_tokens_go_before_a_plan_that_has_nothing_better() -> None:
    planned = a_plan(tokens=512)
    proposal, left = act(resting(planned, window=a_window(ttft=BAD, waiting=50.0)), planned)
    assert proposal is not None
    assert (proposal.policy, proposal.knobs) == (Policy.RAISE_FOR_FIRST_TOKENS, Knobs(tokens=1024))
    assert left.rest(Knobs(), START, Bounds()) == Knobs()
    assert not left.may_move(NOW)


def test_it_rests_no_higher_than_a_ceiling() -> None:
    assert a_plan(tokens=512).rest(Knobs(tokens=256, seqs=64), START, Bounds()) == Knobs(tokens=256, seqs=64)


def test_a_plan_is_due_once_something_is_known_and_again_when_that_is_different() -> None:
    promise = objectives(0.025, 1.0)
    assert not Planned().is_due(START, Bounds())
    known = Planned(known=after(4, a_busy_window(COST)))
    assert known.is_due(START, Bounds())
    made = known.revised(promise, START, Bounds())
    assert made.plan is not None
    assert not made.is_due(START, Bounds())
    assert made.is_due(START, Bounds(least_tokens=1024))
    assert replace(made, known=replace(made.known, output_tokens=400.0)).is_due(START, Bounds())


def test_windows_teach() -> None:
    assert Planned().taught(a_busy_window(COST), START).known != Learned()


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
    assert "--max-num-batched-tokens=512" in a_plan().advice(START, 1.0, NOW)
    assert a_plan(TO_START).advice(START, 1.0, NOW) == ""
    assert a_plan(None).advice(START, 1.0, NOW) == ""


UNSURE = Judged(935, 65)
"""First tokens of which more come late than is allowed, by chance perhaps."""


def test_first_tokens_that_may_be_late_lower_no_budget() -> None:
    assert act(resting(a_plan(), window=a_window(ttft=UNSURE)), a_plan())[0] is None


def test_a_raise_goes_on_after_each_window_and_is_one_move_of_its_plan() -> None:
    known = Learned(output_tokens=100.0)
    planned = a_plan(TO_START, tokens=512, made_for=known)
    for budget in (1024, 2048, 4096, None):
        proposal, planned = act(resting(planned), planned)
        assert proposal is not None
        assert proposal.knobs == Knobs(tokens=budget)
    assert len(planned.moved_seconds) == 1


def test_a_raise_that_breaks_gaps_goes_back_to_where_it_came_from_and_locks_out() -> None:
    planned = a_plan(TO_START, tokens=512)
    _, planned = act(resting(planned), planned)
    _, left = act(resting(planned, window=a_window(itl=BAD)), planned)
    assert left.rest(Knobs(), START, Bounds()) == Knobs(tokens=512)
    assert not left.may_move(NOW)


def test_a_raise_after_which_more_requests_are_bad_is_undone() -> None:
    planned = a_plan(TO_START, tokens=512)
    raised, planned = act(resting(planned), planned)
    assert raised is not None
    worse = resting(planned, memory=raised.memory, window=a_window(late=100.0))
    proposal, left = act(worse, planned)
    assert proposal is not None
    assert (proposal.policy, proposal.knobs) == (Policy.UNDO, Knobs(tokens=512))
    assert left.rest(Knobs(), START, Bounds()) == Knobs(tokens=512)


def test_nothing_is_raised_to_where_gaps_broke_not_long_ago() -> None:
    planned = a_plan(TO_START, tokens=512)
    known = Memory(breaking_tokens=1024, not_before_seconds=NOW + 250)
    assert act(resting(planned, memory=known), planned)[0] is None


def test_what_the_guard_has_just_undone_no_plan_does_again() -> None:
    undone = Memory(not_before_seconds=NOW + 290)
    assert act(resting(a_plan(), memory=undone), a_plan())[0] is None


def test_sequences_are_raised_before_tokens() -> None:
    planned = a_plan(TO_START, tokens=512)
    late = a_window(ttft=BAD, waiting=50.0)
    proposal, _ = act(resting(planned, knobs=Knobs(tokens=512, seqs=64), window=late), planned)
    assert proposal is not None
    assert proposal.knobs == Knobs(tokens=512, seqs=128)


def test_a_plan_for_other_engines_or_bounds_moves_nothing() -> None:
    assert act(resting(a_plan(), start=Start(2048, 256)), a_plan())[0] is None
    assert act(resting(a_plan(), bounds=Bounds(least_tokens=1024)), a_plan())[0] is None
    assert a_plan(tokens=512).rest(Knobs(), START, Bounds(least_tokens=1024)) == Knobs(tokens=1024)


def test_a_plan_that_was_wrong_is_not_advised() -> None:
    assert a_plan(not_before_seconds=NOW + 1).advice(START, 1.0, NOW) == ""


def test_what_a_flag_is_good_for_is_told_of_all_ranks_of_an_engine() -> None:
    assert "up to 80 requests/s with 512" in a_plan().advice(START, 2.0, NOW)


def test_a_ceiling_bounds_what_is_chosen_and_not_what_is_known_of_the_start() -> None:
    assert Plan({256: 5.0, 512: 40.0, 8192: 50.0}, most_tokens=512).best_tokens == 512
    assert Plan({512: 40.0, 8192: 10.0}, most_tokens=512).rate_per_second(8192) == 10.0


def test_what_goes_back_rests_where_the_plan_would_have_it() -> None:
    memory = Memory(not_before_seconds=NOW - 1)
    lowered = resting(a_plan(), knobs=Knobs(tokens=512), memory=memory)
    assert propose(lowered) is not None
    proposal, planned = act(lowered, a_plan())
    assert proposal is None
    assert planned.rest(Knobs(), START, Bounds()) == Knobs(tokens=512)


def test_what_goes_back_goes_on_where_the_plan_has_more() -> None:
    lowered = resting(a_plan(TO_START), knobs=Knobs(tokens=512), memory=Memory(not_before_seconds=NOW - 1))
    proposal, _ = act(lowered, a_plan(TO_START))
    assert proposal is not None
    assert (proposal.policy, proposal.knobs) == (Policy.GO_BACK, Knobs(tokens=1024))
