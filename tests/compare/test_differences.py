import math
from random import Random
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.compare.differences import FALSE_DISCOVERY_RATE, Difference, difference, threshold
from setpoint.loadgen.report import Estimate, OpenEstimate
from setpoint.loadgen.student import chance_beyond, two_sided

numbers = st.integers(-(10**9), 10**9).map(lambda thousandths: thousandths / 1000)
halves = st.integers(0, 10**8).map(lambda thousandths: thousandths / 1000)
estimates = st.builds(
    lambda value, below, above: Estimate(value=value, low=value - below, high=value + above),
    numbers,
    halves,
    halves,
)


def test_halves_of_two_intervals_add_as_independent_noise_does() -> None:
    found = difference(Estimate(value=10, low=7, high=13), Estimate(value=20, low=16, high=24))
    assert (found.value, found.low, found.high) == (10, 5, 15)


def test_only_the_halves_that_point_towards_zero_decide() -> None:
    below = difference(Estimate(value=10, low=1, high=10.1), Estimate(value=11, low=10.9, high=30))
    above = difference(Estimate(value=10, low=9.9, high=19), Estimate(value=11, low=1, high=11.1))
    assert below.p_value < 0.001
    assert above.p_value > 0.5


def test_the_p_value_is_that_of_students_test_when_intervals_are_symmetric() -> None:
    half = two_sided(0.95, 19) * 2.0
    found = difference(
        Estimate(value=0, low=-half, high=half), Estimate(value=7, low=7 - half, high=7 + half)
    )
    assert found.p_value == pytest.approx(chance_beyond(7 / (2.0 * math.sqrt(2)), 19))


def test_an_open_end_leaves_the_difference_open() -> None:
    closed, open_above = Estimate(value=10, low=9, high=11), OpenEstimate(value=30, low=25, high=None)
    rise, fall = difference(closed, open_above), difference(open_above, closed)
    assert (rise.low, rise.high) == pytest.approx((20 - math.hypot(5, 1), math.inf))
    assert (fall.low, fall.high) == (-math.inf, -rise.low)
    assert rise.p_value == pytest.approx(fall.p_value)
    assert difference(open_above, Estimate(value=40, low=39, high=41)).p_value == 1


@given(estimates)
def test_an_estimate_does_not_differ_from_itself(same: Estimate) -> None:
    assert difference(same, same).p_value == 1


@given(estimates, estimates)
def test_swapping_the_runs_turns_the_difference_round(one: Estimate, other: Estimate) -> None:
    found, turned = difference(one, other), difference(other, one)
    assert (found.value, found.low, found.high) == (-turned.value, -turned.high, -turned.low)
    assert found.p_value == turned.p_value


@given(st.lists(st.builds(difference, estimates, estimates), min_size=1, max_size=20))
def test_a_difference_is_real_exactly_when_its_interval_leaves_out_zero(found: list[Difference]) -> None:
    limit = threshold(found)
    for each in found:
        shown = each.at(limit.level)
        if not math.isclose(each.p_value, limit.p_value, rel_tol=1e-6):
            assert limit.is_real(each) == (shown.low > 0 or shown.high < 0)


def test_an_estimate_without_noise_differs_from_any_other() -> None:
    exact = difference(Estimate(value=1, low=1, high=1), Estimate(value=2, low=2, high=2))
    assert threshold([exact]).is_real(exact)


def with_p_value(p: float) -> Difference:
    distance = two_sided(1 - p, 19) / two_sided(0.95, 19) if p < 1 else 0.0
    return Difference(distance, distance - 1, distance + 1)


def test_the_threshold_is_that_of_benjamini_and_hochberg() -> None:
    # The example of their paper, section 3.2: at 5 % the first four of fifteen are rejected.
    p_values = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459]
    p_values += [0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 0.9999]
    found = [with_p_value(p) for p in p_values]
    limit = threshold(found)
    assert [limit.is_real(each) for each in found] == [True] * 4 + [False] * 11


def test_runs_of_the_same_setting_are_called_different_in_one_comparison_of_twenty_at_most() -> None:
    random = Random(5)

    def measured() -> Estimate:
        batches = [random.gauss(10, 1) for _ in range(20)]
        value, half = fmean(batches), two_sided(0.95, 19) * stdev(batches) / math.sqrt(20)
        return Estimate(value=value, low=value - half, high=value + half)

    called = 0
    for _ in range(1000):
        found = [difference(measured(), measured()) for _ in range(20)]
        called += any(map(threshold(found).is_real, found))
    assert 0.01 < called / 1000 <= FALSE_DISCOVERY_RATE


def test_nothing_to_judge_gives_no_error() -> None:
    assert threshold([]).level == 1 - FALSE_DISCOVERY_RATE
