"""Each policy of the guard: when it acts, how far, and what it leaves alone."""

from dataclasses import replace
from typing import Any

import pytest

from setpoint.signals.reading import Judged, Steps
from setpoint.tuner.baseline import Baseline
from setpoint.tuner.guard import (
    FIRST_HOLD_OFF_SECONDS,
    LONGEST_HOLD_OFF_SECONDS,
    Memory,
    Policy,
    Proposal,
    Situation,
    propose,
    remember,
)
from setpoint.tuner.knobs import Bounds, Knobs, Start
from tests.tuner.builders import BAD, ITL, TTFT, a_situation, a_window

LATER = Memory(not_before_seconds=10_001.0)
"""Something is held off for a while."""
STARTED = replace(LATER, baseline=Baseline(Judged(500, 0), 500 / 60))
HALF_BAD = Baseline(Judged(500, 500), 500 / 60)


def proposed(situation: Situation) -> Proposal:
    proposal = propose(situation)
    assert proposal
    return proposal


def moved(situation: Situation) -> tuple[Policy, Knobs]:
    proposal = proposed(situation)
    return proposal.policy, proposal.knobs


def test_what_is_kept_is_left_alone() -> None:
    assert propose(a_situation()) is None


def test_gaps_that_are_too_long_halve_the_token_budget() -> None:
    assert moved(a_situation(a_window(itl=BAD))) == (Policy.SMALLER_BUDGET, Knobs(tokens=4096))


def test_a_budget_that_no_step_fills_is_halved_from_what_steps_fill() -> None:
    window = a_window(itl=BAD, steps_by_size={512.0: Steps(10.0), 2048.0: Steps(990.0)})
    assert moved(a_situation(window)) == (Policy.SMALLER_BUDGET, Knobs(tokens=1024))


def test_a_token_budget_goes_no_lower_than_its_bound() -> None:
    situation = a_situation(a_window(itl=BAD), knobs=Knobs(tokens=512), bounds=Bounds(least_tokens=400))
    assert moved(situation) == (Policy.SMALLER_BUDGET, Knobs(tokens=400))


@pytest.mark.parametrize("start", [Start(128, 64), Start(256, 64)])
def test_an_engine_that_started_at_or_below_the_bound_has_no_smaller_budget(start: Start) -> None:
    assert propose(a_situation(a_window(itl=BAD), start=start)) is None


def test_what_was_tried_in_vain_is_held_off() -> None:
    assert propose(a_situation(a_window(itl=BAD), memory=LATER)) is None


def test_gaps_are_named_with_what_was_measured() -> None:
    cause = proposed(a_situation(a_window(itl=BAD))).cause
    assert cause == "between-tokens: 30 % of 1,000 are beyond 0.03 s, allowed are 5 %"


@pytest.mark.parametrize("knobs", [Knobs(), Knobs(tokens=512), Knobs(seqs=64), Knobs(tokens=512, seqs=64)])
@pytest.mark.parametrize("itl", [Judged(1000, 0), BAD])
@pytest.mark.parametrize("waiting", [0.0, 50.0])
@pytest.mark.parametrize("usage", [0.3, 1.0])
def test_first_tokens_that_come_too_late_never_lower_a_limit(
    knobs: Knobs, itl: Judged, waiting: float, usage: float
) -> None:
    window = a_window(ttft=BAD, itl=itl, waiting=waiting, kv_cache_usage=usage, preemptions=500.0)
    after = getattr(propose(a_situation(window, knobs=knobs)), "knobs", knobs)
    assert (after.tokens or 8192) >= (knobs.tokens or 8192)
    assert (after.seqs or 1024) >= (knobs.seqs or 1024)


def test_sequences_are_raised_first_for_first_tokens() -> None:
    situation = a_situation(a_window(ttft=BAD, waiting=9), knobs=Knobs(tokens=512, seqs=64))
    assert moved(situation) == (Policy.RAISE_FOR_FIRST_TOKENS, Knobs(tokens=512, seqs=128))


@pytest.mark.parametrize(("tokens", "raised"), [(512, 1024), (4096, None), (5000, None)])
def test_tokens_are_doubled_for_first_tokens_up_to_the_start(tokens: int, raised: int | None) -> None:
    situation = a_situation(a_window(ttft=BAD, waiting=9), knobs=Knobs(tokens=tokens))
    assert moved(situation) == (Policy.RAISE_FOR_FIRST_TOKENS, Knobs(tokens=raised))


def test_tokens_are_not_raised_to_where_gaps_were_too_long_just_now_but_the_queue_is_bounded() -> None:
    memory = replace(LATER, breaking_tokens=1024)
    situation = a_situation(a_window(ttft=BAD, waiting=9), knobs=Knobs(tokens=512), memory=memory)
    assert proposed(situation).policy is Policy.SHED


def test_a_queue_is_bounded_to_what_is_served_within_the_threshold() -> None:
    window = a_window(ttft=BAD, waiting=9, prompt_tokens=600_000.0)  # 10,000 a second
    assert moved(a_situation(window)) == (Policy.SHED, Knobs(queued_tokens=9000))


def test_each_of_two_engines_has_half_of_the_bound() -> None:
    window = a_window(ttft=BAD, waiting=9, prompt_tokens=600_000.0, good=1000.0)
    assert moved(a_situation(window, replicas=2)) == (Policy.SHED, Knobs(queued_tokens=4500))


def test_a_bound_that_was_not_enough_is_lowered_by_a_quarter_at_least() -> None:
    window = a_window(ttft=BAD, prompt_tokens=600_000.0)
    assert moved(a_situation(window, knobs=Knobs(queued_tokens=8000))) == (
        Policy.SHED,
        Knobs(queued_tokens=6000),
    )


def test_a_queue_is_bounded_to_no_fewer_than_four_prompts() -> None:
    window = a_window(ttft=BAD, waiting=9, prompt_tokens=60_000.0, good=20.0)  # 3,000 each
    assert moved(a_situation(window)) == (Policy.SHED, Knobs(queued_tokens=12_000))


def test_a_bound_that_is_too_loose_already_is_not_loosened_when_prompts_grow_longer() -> None:
    window = a_window(ttft=BAD, waiting=9, prompt_tokens=60_000.0, good=20.0)
    assert propose(a_situation(window, knobs=Knobs(queued_tokens=8000))) is None


def test_where_nothing_waits_nothing_is_shed() -> None:
    assert propose(a_situation(a_window(ttft=BAD, waiting=0))) is None


FULL: dict[str, Any] = {"kv_cache_usage": 0.97, "preemptions": 100.0, "running": 200.0}


def test_preemptions_in_a_full_cache_mean_fewer_sequences() -> None:
    assert moved(a_situation(a_window(**FULL))) == (Policy.FEWER_SEQUENCES, Knobs(seqs=170))


@pytest.mark.parametrize("change", [{"kv_cache_usage": 0.9}, {"preemptions": 20.0}, {"running": 1.0}])
def test_without_pressure_sequences_stay(change: dict[str, Any]) -> None:
    assert propose(a_situation(a_window(**{**FULL, **change}))) is None


def test_pressure_in_an_incomplete_window_is_not_enough() -> None:
    assert propose(a_situation(a_window(**FULL), is_complete=False)) is None


@pytest.mark.parametrize(("knobs", "least", "seqs"), [(Knobs(seqs=10), 9, 9), (Knobs(), 180, 180)])
def test_sequences_go_no_lower_than_their_bound(knobs: Knobs, least: int, seqs: int) -> None:
    situation = a_situation(a_window(**FULL), knobs=knobs, bounds=Bounds(least_seqs=least))
    assert moved(situation) == (Policy.FEWER_SEQUENCES, Knobs(seqs=seqs))


@pytest.mark.parametrize("knobs", [Knobs(), Knobs(seqs=100)])
def test_a_bound_above_what_runs_moves_no_sequences(knobs: Knobs) -> None:
    assert (
        propose(a_situation(a_window(**FULL), knobs=knobs, bounds=Bounds(least_seqs=2000), memory=STARTED))
        is None
    )


def test_fewer_sequences_that_were_no_help_are_held_off() -> None:
    assert propose(a_situation(a_window(**FULL), memory=LATER)) is None


def test_each_of_two_ranks_is_bounded_by_what_runs_in_it() -> None:
    situation = a_situation(a_window(**FULL), ranks_per_engine=2)
    assert moved(situation) == (Policy.FEWER_SEQUENCES, Knobs(seqs=85))


def test_what_made_things_worse_is_undone() -> None:
    memory = Memory(baseline=Baseline(Judged(960, 40), 500 / 60))
    window = a_window(good=400.0, late=100.0)
    situation = a_situation(window, knobs=Knobs(tokens=512), memory=memory)
    assert moved(situation) == (Policy.UNDO, Knobs())


def test_what_began_before_any_request_had_ended_is_not_called_worse() -> None:
    memory = Memory(baseline=Baseline(Judged(), 8.0))
    window = a_window(good=480.0, late=20.0)
    situation = a_situation(window, knobs=Knobs(tokens=512), memory=replace(memory, not_before_seconds=1e9))
    assert propose(situation) is None


def test_what_was_lowered_is_raised_before_more_is_shed() -> None:
    knobs = Knobs(tokens=512, queued_tokens=20_000)
    proposal = propose(a_situation(a_window(ttft=BAD, waiting=50.0), knobs=knobs))
    assert proposal is not None
    assert proposal.knobs == replace(knobs, tokens=1024)


def test_limits_do_not_go_back_while_a_bounded_queue_sheds() -> None:
    knobs = Knobs(tokens=512, queued_tokens=20_000)
    assert propose(a_situation(a_window(ttft=Judged(980, 20), shed=50.0), knobs=knobs)) is None


def test_what_is_undone_is_tried_anew_only_after_twice_as_long() -> None:
    memory = Memory(baseline=HALF_BAD, not_before_seconds=9_000.0)
    situation = a_situation(a_window(itl=BAD, good=0.0, late=500.0), knobs=Knobs(tokens=256), memory=memory)
    left = proposed(situation).memory
    assert left.not_before_seconds == 10_000.0 + 2 * FIRST_HOLD_OFF_SECONDS
    assert left.hold_off_seconds == 2 * FIRST_HOLD_OFF_SECONDS


def test_nothing_is_held_off_for_longer_than_two_hours() -> None:
    memory = Memory(baseline=HALF_BAD, hold_off_seconds=LONGEST_HOLD_OFF_SECONDS, not_before_seconds=1.0)
    situation = a_situation(a_window(itl=BAD, good=0.0, late=500.0), knobs=Knobs(tokens=256), memory=memory)
    assert proposed(situation).memory.not_before_seconds == 10_000.0 + LONGEST_HOLD_OFF_SECONDS


def test_two_knobs_are_undone_one_after_the_other() -> None:
    memory = Memory(baseline=HALF_BAD)
    window = a_window(itl=BAD, good=0.0, late=500.0)
    first = proposed(a_situation(window, knobs=Knobs(tokens=256, seqs=64), memory=memory))
    assert (first.policy, first.knobs) == (Policy.UNDO, Knobs(seqs=64))
    second = moved(a_situation(window, knobs=first.knobs, memory=first.memory))
    assert second == (Policy.UNDO, Knobs())


def test_what_helped_is_not_undone_though_a_promise_stays_broken() -> None:
    memory = Memory(baseline=HALF_BAD)
    window = a_window(itl=BAD, good=450.0, late=50.0)
    assert propose(a_situation(window, knobs=Knobs(tokens=256), memory=memory)) is None


def test_a_much_higher_load_is_no_proof_that_it_was_worse() -> None:
    memory = Memory(baseline=Baseline(Judged(960, 40), 2.0), not_before_seconds=10_001.0)
    window = a_window(good=400.0, late=100.0)
    assert propose(a_situation(window, knobs=Knobs(tokens=512), memory=memory)) is None


def test_undoing_leaves_the_bound_of_the_queue() -> None:
    memory = Memory(baseline=HALF_BAD)
    window = a_window(itl=BAD, good=0.0, late=500.0, shed=1.0)
    knobs = Knobs(tokens=256, queued_tokens=9000)
    assert moved(a_situation(window, knobs=knobs, memory=memory)) == (Policy.UNDO, Knobs(queued_tokens=9000))


def test_a_bound_that_nothing_reaches_is_lifted() -> None:
    assert moved(a_situation(knobs=Knobs(queued_tokens=9000))) == (Policy.SHED_LESS, Knobs())


def test_a_bound_is_not_lifted_before_its_time() -> None:
    assert propose(a_situation(knobs=Knobs(queued_tokens=9000), memory=LATER)) is None


def test_a_bound_is_loosened_by_a_quarter_while_first_tokens_come_in_time() -> None:
    window = a_window(shed=10.0, prompt_tokens=60_000_000.0)
    assert moved(a_situation(window, knobs=Knobs(queued_tokens=8000))) == (
        Policy.SHED_LESS, Knobs(queued_tokens=10_000)
    )  # fmt: skip


def test_a_bound_stays_where_first_tokens_only_just_come_in_time() -> None:
    window = a_window(shed=10.0, prompt_tokens=60_000_000.0, ttft=Judged(980, 20))
    assert propose(a_situation(window, knobs=Knobs(queued_tokens=8000))) is None


def test_limits_go_back_when_nothing_is_broken_for_a_while() -> None:
    assert moved(a_situation(knobs=Knobs(tokens=512))) == (Policy.GO_BACK, Knobs(tokens=1024))


@pytest.mark.parametrize(
    ("before", "after"), [(Knobs(tokens=4096), Knobs()), (Knobs(tokens=512, seqs=600), Knobs(tokens=512))]
)
def test_the_last_step_back_is_to_the_start_value(before: Knobs, after: Knobs) -> None:
    assert moved(a_situation(knobs=before)) == (Policy.GO_BACK, after)


def test_limits_do_not_go_back_before_their_time() -> None:
    assert propose(a_situation(knobs=Knobs(tokens=512), memory=LATER)) is None


def test_limits_go_back_before_their_time_when_the_load_has_fallen() -> None:
    memory = replace(LATER, baseline=Baseline(BAD, 2 * 500 / 60))
    proposal = proposed(a_situation(knobs=Knobs(tokens=512), memory=memory))
    assert (proposal.policy, proposal.cause) == (Policy.GO_BACK, "the load has fallen")


def test_an_incomplete_window_ends_nothing() -> None:
    for knobs in (Knobs(tokens=512), Knobs(queued_tokens=9000)):
        assert propose(a_situation(knobs=knobs, is_complete=False)) is None


def test_what_was_remembered_is_forgotten_when_all_is_well_at_the_start_values() -> None:
    assert remember(a_situation(memory=Memory(breaking_tokens=512, unreachable="once"))) == Memory()


def test_what_was_remembered_stays_while_something_is_moved_or_held_off() -> None:
    for changes in ({"knobs": Knobs(tokens=512), "memory": Memory(breaking_tokens=512)}, {"memory": LATER}):
        situation = a_situation(**changes)
        assert remember(situation) == situation.memory


@pytest.mark.parametrize(
    ("knobs", "start"),
    [(Knobs(tokens=256), Start(8192, 1024)), (Knobs(), Start(256, 64)), (Knobs(), Start(128, 64))],
)
def test_gaps_that_the_smallest_budget_cannot_shorten_are_said_with_what_was_measured(
    knobs: Knobs, start: Start
) -> None:
    situation = a_situation(a_window(itl=BAD), knobs=knobs, start=start)
    tokens = knobs.tokens or start.tokens
    assert remember(situation).unreachable == (
        f"between-tokens cannot be kept by limits: with {tokens} tokens a step "
        "30 % of 1,000 gaps are beyond 0.03 s"
    )


def test_first_tokens_that_come_too_late_though_nothing_waits_are_said_with_what_was_measured() -> None:
    assert remember(a_situation(a_window(ttft=BAD, waiting=0))).unreachable == (
        "first-token cannot be kept by limits: nothing waits at the start values, and 30 % of 1,000 first "
        "tokens are beyond 1 s"
    )


def test_a_promise_of_first_tokens_alone_moves_no_budget() -> None:
    assert propose(a_situation(a_window(itl=BAD), objectives=(TTFT,))) is None


def test_a_promise_of_gaps_alone_sheds_nothing() -> None:
    assert propose(a_situation(a_window(ttft=BAD, waiting=9), objectives=(ITL,))) is None


def held(baseline: Baseline) -> Memory:
    """After a change that is not to end yet."""
    return Memory(baseline=baseline, not_before_seconds=20_000.0)


def test_what_was_before_says_nothing_of_requests_that_are_quite_different() -> None:
    then = Baseline(a_window().requests, a_window().arrivals_per_second, tokens_per_request=64.0)
    worse = a_situation(a_window(late=100.0), knobs=Knobs(tokens=512), memory=held(then))
    assert propose(worse) is None
    alike = replace(then, tokens_per_request=a_window().tokens_per_request)
    proposal = propose(replace(worse, memory=held(alike)))
    assert proposal is not None
    assert proposal.policy is Policy.UNDO


def test_fewer_requests_that_are_longer_are_no_smaller_load() -> None:
    now = a_window()
    twice_as_many = Baseline(now.requests, 2 * now.arrivals_per_second, now.tokens_per_request / 2)
    assert propose(a_situation(now, knobs=Knobs(tokens=512), memory=held(twice_as_many))) is None
