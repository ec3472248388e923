from itertools import accumulate
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.loadgen.order_statistics import PRECISION, rank_above, rank_below

SHARES = st.sampled_from([0.5, 0.9, 0.95, 0.99])


def chances_that_at_least(count: int, share: float) -> list[float]:
    """By rank from 1: how probable it is that so many samples lie below."""
    each = [comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(count, 0, -1)]
    return list(accumulate(each))[::-1]


@given(SHARES, st.integers(1, 600))
def test_the_ranks_are_those_that_binomial_sums_give(share: float, count: int) -> None:
    above, below = rank_above(share, count), rank_below(share, count)
    chances = chances_that_at_least(count, share)
    enough = [rank for rank, chance in enumerate(chances, start=1) if chance <= 0.025]
    assert (above is None) == (not enough)
    if above is not None:
        assert enough[0] - 1 < above <= enough[0] + PRECISION
    if below is not None:
        assert 1 <= below <= share * count + 1


@pytest.mark.parametrize(("share", "fewest"), [(0.5, 6), (0.9, 36), (0.95, 72), (0.99, 368)])
def test_a_high_quantile_needs_many_samples_for_an_upper_bound(share: float, fewest: int) -> None:
    assert fewest - 1 < (rank_above(share, fewest) or 0) <= fewest
    assert rank_above(share, fewest - 1) is None


def test_a_lower_bound_of_a_high_quantile_needs_one() -> None:
    assert rank_below(0.99, 0.5) is None
    assert rank_below(0.99, 1) is not None
    assert rank_below(0.5, 5) is None
    assert rank_below(0.5, 6) == pytest.approx(1.2, abs=0.1)
