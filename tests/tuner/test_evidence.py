"""What a window shows of an objective, by exact bounds."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from setpoint.signals.reading import Judged
from setpoint.tuner.evidence import Verdict, evidence, is_clearly_lower, verdict
from setpoint.tuner.promise import Objective
from setpoint_vllm.limits_file import Latency
from tests.tuner.builders import ITL, TTFT, a_window


@pytest.mark.parametrize(("count", "bad"), [(59, 0), (100, 1), (200, 4), (400, 12), (800, 29), (1600, 65)])
def test_the_most_bad_ones_with_which_five_percent_are_kept_at_95_percent_confidence(
    count: int, bad: int
) -> None:
    assert verdict(bad, count, 0.05, alpha=0.05) is Verdict.KEPT
    assert verdict(bad + 1, count, 0.05, alpha=0.05) is Verdict.UNCLEAR


def test_58_good_ones_show_nothing_yet() -> None:
    assert verdict(0, 58, 0.05, alpha=0.05) is Verdict.UNCLEAR


def test_nothing_counted_shows_nothing() -> None:
    assert verdict(0, 0, 0.05) is Verdict.UNCLEAR


def test_what_is_bad_throughout_is_broken() -> None:
    assert verdict(20, 20, 0.05) is Verdict.BROKEN


@given(st.floats(0, 1), st.floats(1, 1e7), st.floats(0.001, 0.5))
def test_a_share_is_never_called_broken_below_what_is_allowed_nor_kept_above(
    share: float, count: float, allowed: float
) -> None:
    found = verdict(share * count, count, allowed)
    assert not (found is Verdict.BROKEN and share <= allowed)
    assert not (found is Verdict.KEPT and share >= allowed)


@given(st.integers(1, 2000), st.integers(0, 2000), st.floats(0.01, 0.2))
def test_one_bad_one_more_never_makes_a_verdict_better(count: int, bad: int, allowed: float) -> None:
    assume(bad < count)
    order = [Verdict.KEPT, Verdict.UNCLEAR, Verdict.BROKEN]
    fewer, more = (order.index(verdict(each, count, allowed)) for each in (bad, bad + 1))
    assert fewer <= more


def test_gaps_count_no_more_than_the_requests_whose_they_are() -> None:
    seen = evidence(ITL, a_window(itl=Judged(9000, 1000), good=90.0, late=10.0, running=20.0))
    assert (seen.effective_count, seen.bad_share, seen.verdict) == (100, 0.1, Verdict.UNCLEAR)


def test_gaps_of_requests_that_still_run_count_too() -> None:
    assert evidence(ITL, a_window(itl=Judged(9000, 1000), good=0.0, running=64.0)).effective_count == 64


def test_each_first_token_counts() -> None:
    assert evidence(TTFT, a_window(ttft=Judged(900, 100), good=1.0)).verdict is Verdict.BROKEN


def test_an_objective_that_nothing_was_counted_of_is_unclear() -> None:
    seen = evidence(Objective("other", Latency.TTFT, 1.0), a_window())
    assert (seen.verdict, seen.bad_share) == (Verdict.UNCLEAR, 0.0)


def test_a_share_is_lower_only_beyond_what_chance_makes_of_both() -> None:
    assert is_clearly_lower(Judged(950, 50), Judged(800, 200))
    assert not is_clearly_lower(Judged(9, 1), Judged(8, 2))
    assert not is_clearly_lower(Judged(800, 200), Judged(950, 50))


counted = st.builds(Judged, st.integers(0, 10**6), st.integers(0, 10**6))


@given(counted, counted)
def test_of_two_shares_at_most_one_is_clearly_lower(some: Judged, others: Judged) -> None:
    assert not (is_clearly_lower(some, others) and is_clearly_lower(others, some))
