"""Arms move limits by what they see."""

from dataclasses import replace

import pytest

from benchmarks.tuner.arms import ARMS
from benchmarks.tuner.cases import LOADS, TIGHT, chat
from benchmarks.tuner.concurrency import Aimd
from benchmarks.tuner.hillclimb import HillClimb
from benchmarks.tuner.offline import best
from benchmarks.tuner.sampling import RandomSearch, Sampling, Tpe
from benchmarks.tuner.trial import play
from benchmarks.tuner.windowed import BUDGET_VISITS, Seen, Windowed
from benchmarks.virtual.services import H100_8B
from setpoint.tuner.knobs import Knobs, Start
from setpoint_vllm.limits_file import Limit

START = Start(tokens=8192, seqs=1024)
OBJECTIVES = TIGHT.objectives
KEPT = Seen(good_per_second=10, good_share=1.0, excess_shares=(-0.05, -0.05), running=100)
GAPS_TOO_LONG = Seen(good_per_second=5, good_share=0.5, excess_shares=(0.3, -0.05), running=100)
FIRST_TOKENS_LATE = Seen(good_per_second=5, good_share=0.5, excess_shares=(-0.05, 0.3), running=100)


def test_concurrency_falls_by_a_tenth_of_what_is_in_use_when_gaps_are_too_long() -> None:
    assert Aimd(OBJECTIVES, START).next_knobs(GAPS_TOO_LONG) == Knobs(seqs=90)


def test_concurrency_rises_while_it_is_in_use_and_gaps_are_short() -> None:
    arm = Aimd(OBJECTIVES, START)
    arm.next_knobs(GAPS_TOO_LONG)
    assert arm.next_knobs(KEPT) == Knobs(seqs=95)
    assert arm.next_knobs(replace(KEPT, running=10)) == Knobs(seqs=95)


def test_late_first_tokens_do_not_lower_concurrency() -> None:
    assert Aimd(OBJECTIVES, START).next_knobs(FIRST_TOKENS_LATE) == Knobs()


def climbed(arm: Windowed, best_tokens: int, windows: int) -> list[Knobs]:
    """Where an arm goes when goodput falls off to both sides of a budget."""
    places = []
    for _ in range(windows):
        off = abs((arm.knobs.tokens or START.tokens) - best_tokens) / START.tokens
        arm.knobs = arm.next_knobs(replace(KEPT, good_share=1 - off))
        places.append(arm.knobs)
    return places


def test_a_hill_climb_ends_at_the_top_and_rests() -> None:
    places = climbed(HillClimb(OBJECTIVES, START), best_tokens=1024, windows=30)
    assert places[-1].tokens == 1024
    assert len(set(places[-5:])) == 1


def test_a_hill_climb_begins_anew_when_goodput_falls() -> None:
    arm = HillClimb(OBJECTIVES, START)
    resting = climbed(arm, best_tokens=1024, windows=30)[-1]
    arm.knobs = arm.next_knobs(replace(KEPT, good_share=0.2))
    assert arm.next_knobs(replace(KEPT, good_share=0.2)) != resting


def sampled(arm: Sampling, is_good: int) -> Knobs:
    for _ in range(BUDGET_VISITS):
        window = KEPT if arm.knobs.tokens is not None and arm.knobs.tokens <= is_good else GAPS_TOO_LONG
        arm.knobs = arm.next_knobs(window)
    assert arm.next_knobs(GAPS_TOO_LONG) == arm.knobs
    return arm.knobs


def test_random_search_spends_its_budget_and_keeps_to_what_was_feasible() -> None:
    best_knobs = sampled(RandomSearch(OBJECTIVES, START, seed=1), is_good=1024)
    assert best_knobs.tokens is not None
    assert best_knobs.tokens <= 1024


def test_tpe_spends_its_budget_and_keeps_to_what_was_feasible() -> None:
    pytest.importorskip("optuna", reason="only the group `benchmark` has it")
    best_knobs = sampled(Tpe(OBJECTIVES, START, seed=1), is_good=1024)
    assert best_knobs.tokens is not None
    assert best_knobs.tokens <= 1024


def test_vllms_offline_search_finds_a_cell_of_its_grid() -> None:
    found = best(H100_8B, chat(), TIGHT, seed=1)
    assert found is not None
    assert found[0] in {128, 256}
    assert found[1] in {512, 1024, 2048, 4096}


SHORT = replace(LOADS["chat"], phases=(replace(LOADS["chat"].phases[0], duration_seconds=60),))


def test_static_settings_are_starts_of_their_own() -> None:
    ran = play(SHORT, TIGHT, ARMS["static 384"], seed=1)
    assert [each for _, each in ran.wanted] == [{Limit.TOKENS: 384, Limit.SEQS: 384}]


def test_a_disabled_tuner_is_as_none() -> None:
    alone, disabled = (play(SHORT, TIGHT, ARMS[each], seed=1) for each in ("default", "disabled"))
    assert disabled.record.answers == alone.record.answers


def test_all_arms_get_the_same_requests() -> None:
    offered = {play(SHORT, TIGHT, ARMS[each], seed=1).offered for each in ("default", "static 256", "aimd")}
    assert len(offered) == 1
