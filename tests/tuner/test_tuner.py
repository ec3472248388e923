"""One cycle after another: which data are believed, and when limits move."""

import math
from dataclasses import replace

import pytest

from setpoint.signals.reading import Judged, Reading
from setpoint.signals.window import DataState
from setpoint.tuner.guard import Memory, Policy
from setpoint.tuner.knobs import Knobs
from setpoint.tuner.state import LEAST_SETTLE_SECONDS, Mode, Reason
from setpoint.tuner.tuner import LEASE_SECONDS, LONGEST_SECONDS
from tests.signals.builders import a_rank
from tests.tuner.builders import BAD, GOOD, ITL, TTFT, Tuned, settings


def test_clear_evidence_moves_one_limit(tuned: Tuned) -> None:
    tuned.serve(itl=BAD)
    decision = tuned.look()
    assert decision.change
    assert (decision.data, decision.reason, decision.is_applied) == (DataState.OK, Reason.GUARDING, True)
    assert (decision.change.policy, tuned.state.knobs) == (Policy.SMALLER_BUDGET, Knobs(tokens=4096))


def test_nothing_is_looked_at_in_the_first_ten_seconds(tuned: Tuned) -> None:
    tuned.serve(itl=BAD)
    assert tuned.look(seconds=9.0).change is None
    assert tuned.look(seconds=1.0).change


def test_a_few_latencies_prove_nothing(tuned: Tuned) -> None:
    tuned.serve(ttft=Judged(0, 19), itl=Judged(0, 19), requests=19)
    assert tuned.look().change is None


@pytest.mark.parametrize("why", ["stale", "missing", "gone", "future", "reset", "stuck", "idle"])
def test_on_data_that_are_not_ok_no_limit_moves(lowered: Tuned, why: str) -> None:
    lowered.begin()
    knobs = lowered.state.knobs
    lowered.serve(ttft=BAD, itl=BAD, generation_tokens=0 if why in {"stuck", "idle"} else 1)
    of = lowered.readings()
    cases: dict[str, tuple[DataState, dict[str, Reading], dict[str, str]]] = {
        "stale": (DataState.STALE, of, {}),
        "missing": (DataState.MISSING, of, {"engine-1": "no answer"}),
        "gone": (DataState.MISSING, {}, {}),
        "future": (DataState.INCONSISTENT, each_at(of, lowered.now + 9000), {}),
        "reset": (DataState.RESET, fallen(of), {}),
        "stuck": (DataState.INCONSISTENT, each_at(of, lowered.now + 600), {}),
        "idle": (DataState.IDLE, idle(of, lowered), {}),
    }
    state, readings, missing = cases[why]
    decision = lowered.look(readings, missing, seconds=600.0)
    assert (decision.data, decision.change, lowered.state.knobs) == (state, None, knobs)


def each_at(readings: dict[str, Reading], at_seconds: float) -> dict[str, Reading]:
    return {name: replace(each, at_seconds=at_seconds) for name, each in readings.items()}


def fallen(readings: dict[str, Reading]) -> dict[str, Reading]:
    return {
        name: replace(each, at_seconds=each.at_seconds + 600, counters=replace(each.counters, good=0.0))
        for name, each in readings.items()
    }


def idle(readings: dict[str, Reading], tuned: Tuned) -> dict[str, Reading]:
    return {
        name: replace(tuned.state.began[name], at_seconds=each.at_seconds + 600, running=0)
        for name, each in readings.items()
    }


def test_with_too_few_requests_for_ten_minutes_no_limit_moves(lowered: Tuned) -> None:
    lowered.state = replace(lowered.state, memory=Memory())
    lowered.begin()
    lowered.serve(Judged(5, 0), Judged(5, 0), requests=5)
    decision = lowered.look(seconds=LONGEST_SECONDS)
    assert (decision.data, decision.reason) == (DataState.LOW_TRAFFIC, Reason.NOT_ENOUGH_TRAFFIC)
    assert decision.change is None


def test_a_window_that_ends_with_too_few_requests_is_followed_by_another(lowered: Tuned) -> None:
    lowered.begin()
    lowered.serve(Judged(5, 0), Judged(5, 0), requests=5)
    lowered.look(seconds=LONGEST_SECONDS)
    assert lowered.look().window_seconds == 10


def test_one_replica_of_two_that_is_missing_leaves_all_as_it_is(lowered: Tuned) -> None:
    decision = lowered.look(missing={"engine-1": "no answer"})
    assert (decision.reason, decision.data) == (Reason.SIGNAL_LOST, DataState.MISSING)
    assert decision.message == "engine-1: no answer"


def test_an_idle_time_is_no_part_of_the_window_that_follows(tuned: Tuned) -> None:
    for _ in range(6):
        assert tuned.look(running=0).data in {DataState.IDLE, DataState.OK}
    tuned.serve()
    assert tuned.look(running=0).window_seconds == 10


def test_a_window_begins_only_when_the_change_is_in_force(lowered: Tuned) -> None:
    old = {"0": a_rank(lowered.state.generation - 1)}
    decision = lowered.look(ranks=old)
    assert (decision.reason, decision.message) == (Reason.HOLDING, "engine-0 is being told its limits")
    assert not lowered.state.began
    assert lowered.state.settled_seconds is None


def test_a_window_begins_only_when_what_was_under_way_has_ended(tuned: Tuned) -> None:
    tuned.serve(ttft=BAD)
    tuned.look(running=100.0, waiting=50.0)  # 100 ended in 10 s: each ran for 10 s
    assert tuned.state.knobs.queued_tokens
    assert tuned.state.settle_seconds == 40.0
    tuned.look()
    tuned.look(seconds=39.0)
    assert not tuned.state.began
    tuned.look(seconds=1.0)
    assert tuned.state.began


@pytest.fixture
def just_lowered(tuned: Tuned) -> Tuned:
    """A smaller token budget that is in force, and shows in gaps, while requests from before still run."""
    tuned.serve(itl=BAD)
    tuned.look(running=100.0)
    assert tuned.state.settle_seconds == 40.0
    tuned.look()
    tuned.look(seconds=LEAST_SETTLE_SECONDS)
    assert tuned.state.is_early
    return tuned


def test_a_smaller_budget_that_is_not_small_enough_shows_in_the_next_gaps(just_lowered: Tuned) -> None:
    tokens = just_lowered.state.knobs.tokens
    just_lowered.serve(itl=BAD)
    just_lowered.look()
    assert just_lowered.state.knobs.tokens != tokens


def test_what_a_change_itself_brought_is_answered_by_nothing_else(just_lowered: Tuned) -> None:
    before = just_lowered.state.knobs
    just_lowered.serve(ttft=BAD)
    decision = just_lowered.look(waiting=50.0)
    assert (decision.change, just_lowered.state.knobs) == (None, before)


def test_a_window_that_began_early_is_nothing_to_compare_with(just_lowered: Tuned) -> None:
    for _ in range(3):
        just_lowered.serve()
        decision = just_lowered.look()
    assert just_lowered.state.is_early
    assert decision.window_seconds == 30
    assert not decision.is_complete


def test_requests_are_judged_from_a_window_that_begins_when_those_before_have_ended(
    just_lowered: Tuned,
) -> None:
    just_lowered.look(seconds=35.0)
    assert not just_lowered.state.is_early
    assert just_lowered.state.began["engine-0"].at_seconds == just_lowered.now


def test_a_window_ends_with_200_requests_in_30_seconds(tuned: Tuned) -> None:
    for _ in range(2):
        tuned.serve()
        assert not tuned.look().is_complete
    tuned.serve()
    assert tuned.look().is_complete
    assert tuned.look(running=0).window_seconds == 10


def test_with_fewer_requests_a_window_ends_after_ten_minutes(tuned: Tuned) -> None:
    tuned.serve(Judged(150, 0), Judged(150, 0), requests=150)
    assert not tuned.look(seconds=LONGEST_SECONDS - 1).is_complete
    assert tuned.look(seconds=1).is_complete


def test_with_new_objectives_a_window_begins_anew_and_limits_stay(lowered: Tuned) -> None:
    lowered.settings = settings(objectives=(TTFT, replace(ITL, threshold_seconds=0.1)))
    lowered.look()
    assert (lowered.state.generation, lowered.state.knobs) == (3, Knobs(tokens=4096))
    assert not lowered.state.began


def test_with_new_objectives_nothing_is_held_against_how_the_old_ones_did(lowered: Tuned) -> None:
    lowered.settings = settings(objectives=(ITL,))
    lowered.look()
    assert lowered.state.memory == Memory()


def test_without_a_promise_of_first_tokens_no_queue_stays_bounded(tuned: Tuned) -> None:
    tuned.serve(ttft=BAD)
    tuned.look(waiting=50.0)
    assert tuned.state.knobs.queued_tokens
    tuned.settings = settings(objectives=(ITL,))
    tuned.look()
    assert tuned.state.knobs == Knobs()


def test_disabled_says_so_and_wants_nothing() -> None:
    tuned = Tuned(settings(Mode.DISABLED))
    assert tuned.look().reason is Reason.DISABLED
    assert tuned.state.generation == 0


def test_recommend_has_one_reason_as_soon_as_the_engines_are_told_what_is_promised() -> None:
    it = Tuned(settings(Mode.RECOMMEND))
    assert it.look().message == "engine-0 is being told its limits"
    assert {it.look().reason for _ in range(4)} == {Reason.RECOMMENDING}


def test_recommend_says_what_it_would_do_and_changes_nothing() -> None:
    tuned = Tuned(settings(Mode.RECOMMEND))
    tuned.begin()
    tuned.serve(itl=BAD)
    decision = tuned.look()
    assert decision.change
    assert (decision.reason, decision.is_applied) == (Reason.RECOMMENDING, False)
    assert decision.message.startswith("would act: between-tokens")
    assert (tuned.state.knobs, tuned.state.generation) == (Knobs(), 1)


def test_a_queue_is_bounded_by_what_the_engines_of_the_window_served_each() -> None:
    alone, joined = Tuned(), Tuned()
    for tuned in (alone, joined):
        tuned.begin()
        tuned.serve(ttft=BAD)
    alone.look(waiting=50.0)
    joined.engines = 2
    joined.look(waiting=50.0)
    assert joined.state.knobs == alone.state.knobs != Knobs()


@pytest.mark.parametrize("seconds", [3600.0, 86_400.0])
def test_a_clock_that_was_set_back_holds_nothing_up(lowered: Tuned, seconds: float) -> None:
    lowered.begin()
    lowered.now -= seconds
    lowered.look()
    assert lowered.state.expires_seconds == lowered.now + LEASE_SECONDS
    lowered.begin()
    assert lowered.state.began


def test_what_no_limit_can_keep_is_said(tuned: Tuned) -> None:
    tuned.settings = settings(bounds=replace(settings().bounds, least_tokens=8192))
    tuned.serve(itl=BAD, requests=1000)
    decision = tuned.look(seconds=30.0)
    assert decision.message == (
        "between-tokens cannot be kept by limits: with 8192 tokens a step "
        "30 % of 1,000 gaps are beyond 0.03 s"
    )


def test_an_engine_that_has_not_told_its_start_is_said(tuned: Tuned) -> None:
    tuned.serve(itl=BAD)
    decision = tuned.look(ranks={"0": replace(a_rank(), start={})})
    assert (decision.reason, decision.data) == (Reason.UNSUPPORTED, DataState.MISSING)


def test_a_window_goes_on_over_a_look_at_which_an_engine_could_not_be_read(tuned: Tuned) -> None:
    tuned.begin()
    for _ in range(2):
        tuned.serve(itl=BAD)
        assert tuned.look({}, {"engine-0": "no answer"}).change is None
        tuned.serve(itl=BAD)
        decision = tuned.look()
        if decision.change:
            break
    assert decision.is_applied
    assert decision.window_seconds == 20.0


def test_a_window_ends_where_an_engine_could_not_be_read_for_half_a_minute(tuned: Tuned) -> None:
    tuned.begin()
    tuned.look({}, {"engine-0": "no answer"})
    tuned.look({}, {"engine-0": "no answer"}, seconds=30.0)
    tuned.serve(itl=BAD)
    assert tuned.look().change is None


def test_a_quiet_service_is_said_to_be_quiet_without_a_break(tuned: Tuned) -> None:
    for _ in range(12):
        tuned.look(running=0.0, seconds=60.0)
    reasons = set()
    for _ in range(60):
        tuned.serve(Judged(1), Judged(100), requests=1.0)
        reasons.add(tuned.look(running=0.0, seconds=60.0).reason)
        reasons.add(tuned.look(running=0.0).reason)
    assert reasons == {Reason.NOT_ENOUGH_TRAFFIC}


def test_a_share_that_is_told_is_a_share(tuned: Tuned) -> None:
    tuned.serve(GOOD, GOOD, late=25.0)
    assert math.isclose(tuned.look().bad_share or 0.0, 0.2)
