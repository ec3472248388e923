import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.workload.quantiles import quantile, weighted_quantiles

shares = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=1).map(sorted)


def test_a_quantile_is_a_value_that_was_seen() -> None:
    assert [quantile([1, 2, 3, 4], share) for share in (0.0, 0.25, 0.5, 0.51, 1.0)] == [1, 1, 2, 3, 4]


@given(st.integers(1, 300), st.integers(1, 100))
def test_a_quantile_is_of_the_nearest_rank(count: int, percent: int) -> None:
    nearest = -(-count * percent // 100)
    assert quantile(range(1, count + 1), percent / 100) == nearest


def test_nothing_has_no_quantile() -> None:
    with pytest.raises(IndexError):
        quantile([], 0.5)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9)), min_size=1), shares)
def test_whole_weights_are_repetitions(weighted: list[tuple[float, float]], at: list[float]) -> None:
    repeated = sorted(value for value, weight in weighted for _ in range(int(weight)))
    assert weighted_quantiles(weighted, at) == [quantile(repeated, share) for share in at]
