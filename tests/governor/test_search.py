"""The search for a sustainable rate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.governor.search import HIGHEST, LOWEST, RUNG, highest_rung, rate_per_second

rungs = st.integers(LOWEST, HIGHEST)


@given(rungs, rungs)
def test_finds_the_highest_rung_that_holds_from_wherever_it_starts(highest: int, start: int) -> None:
    assert highest_rung(lambda rung: rung <= highest, start) == highest


@given(rungs)
def test_finds_nothing_where_not_even_the_lowest_holds(start: int) -> None:
    assert highest_rung(lambda _: False, start) is None


@given(rungs, rungs)
def test_tries_no_rung_off_the_ladder_and_none_twice(highest: int, start: int) -> None:
    tried: list[int] = []

    def holds(rung: int) -> bool:
        tried.append(rung)
        return rung <= highest

    highest_rung(holds, start)
    assert all(LOWEST <= each <= HIGHEST for each in tried)
    assert len(set(tried)) == len(tried)


@given(rungs, rungs)
def test_what_it_finds_holds_and_the_next_does_not_where_holding_is_no_single_stretch(
    start: int, gap: int
) -> None:
    def holds(rung: int) -> bool:
        return rung not in (gap, HIGHEST)

    found = highest_rung(holds, start)
    assert found is None or (holds(found) and not holds(found + 1))


def test_rungs_are_equally_far_apart() -> None:
    assert rate_per_second(10.0, 0) == 10.0
    assert rate_per_second(10.0, 3) / rate_per_second(10.0, 2) == pytest.approx(RUNG)
