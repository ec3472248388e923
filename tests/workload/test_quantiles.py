from hypothesis import given
from hypothesis import strategies as st

from setpoint.workload.quantiles import quantile, weighted_quantiles

shares = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=1).map(sorted)


def test_a_quantile_is_a_value_that_was_seen() -> None:
    assert quantile([1, 2, 3, 4], 0.5) == 3
    assert quantile([1, 2, 3, 4], 1.0) == 4


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9)), min_size=1), shares)
def test_whole_weights_are_repetitions(weighted: list[tuple[float, float]], at: list[float]) -> None:
    repeated = sorted(value for value, weight in weighted for _ in range(int(weight)))
    assert weighted_quantiles(weighted, at) == [quantile(repeated, share) for share in at]
