from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.loadgen.stationarity import behind, trend, warm_up_length


def noise(count: int, seed: int, level: float = 10.0) -> list[float]:
    random = Random(seed)
    return [random.gauss(level, 1.0) for _ in range(count)]


def test_the_warm_up_ends_where_the_series_has_settled() -> None:
    rising = [10.0 * number / 15 for number in range(15)]
    lengths = [warm_up_length(rising + noise(45, seed)) for seed in range(50)]
    assert sum(12 <= length <= 20 for length in lengths) > 45


def test_little_of_a_steady_series_is_cut() -> None:
    lengths = [warm_up_length(noise(60, seed)) for seed in range(100)]
    assert sum(lengths) / len(lengths) < 6


def test_a_busy_time_at_the_beginning_is_no_warm_up() -> None:
    """To cut it would leave the calm times, and the figures would flatter."""
    assert warm_up_length([30.0] * 20 + noise(40, 1)) == 0


@given(st.lists(st.floats(0, 1e6), max_size=80))
def test_at_most_half_is_warm_up(series: list[float]) -> None:
    assert 0 <= warm_up_length(series) <= len(series) / 2


def test_a_steady_series_has_no_trend() -> None:
    assert sum(trend(noise(20, seed)) is not None for seed in range(300)) <= 3


@pytest.mark.parametrize("factor", [2.0, 0.5])
def test_a_trend_is_told_by_where_it_begins_and_ends(factor: float) -> None:
    series = [value * (1 + (factor - 1) * number / 19) for number, value in enumerate(noise(20, 1))]
    moved = trend(series)
    assert moved is not None
    assert moved == pytest.approx((10 * (0.9 + 0.1 * factor), 10 * (0.1 + 0.9 * factor)), rel=0.1)


def test_a_steep_fall_does_not_end_below_zero() -> None:
    assert trend([10 * 0.7**number for number in range(20)]) == pytest.approx((4.9, 0.0233), rel=0.01)


def test_a_trend_that_changes_little_is_none() -> None:
    assert trend([100 + 0.5 * number for number in range(20)]) is None


def test_too_short_a_series_has_no_trend() -> None:
    assert trend([1.0, 2.0, 3.0]) is None


def test_a_queue_that_fills_is_told() -> None:
    assert behind(1060, 908, [80.0])


def test_what_is_under_way_at_the_end_is_not_behind() -> None:
    assert not behind(100, 90, [25.0])  # a tenth, yet within the chance of 25 under way at both ends
    assert not behind(10_000, 9_850, [25.0])
    assert behind(10_000, 9_750, [25.0])
