import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.workload.binomial import chance_of_at_least, chance_of_at_most, regularised_beta


def plainly(bad: int, count: int, share: float) -> float:
    return math.fsum(math.comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(bad + 1))


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), st.floats(0.01, 0.99))
def test_the_chance_is_that_of_the_binomial_distribution(counts: tuple[int, int], share: float) -> None:
    count, bad = counts
    assert chance_of_at_most(bad, count, share) == pytest.approx(plainly(bad, count, share), abs=1e-9)
    assert chance_of_at_least(bad, count, share) == pytest.approx(
        1 - plainly(bad - 1, count, share), abs=1e-9
    )


@pytest.mark.parametrize(("count", "bad"), [(59, 0), (100, 1), (200, 4), (400, 12), (800, 29), (1600, 65)])
def test_the_known_bounds_for_five_percent_are_met(count: int, bad: int) -> None:
    """One-sided 95 % Clopper-Pearson: so many bad ones show a share below 5 %, one more does not."""
    assert chance_of_at_most(bad, count, 0.05) <= 0.05 < chance_of_at_most(bad + 1, count, 0.05)


@given(st.floats(0, 1), st.floats(0.1, 1e5), st.floats(0.1, 1e5))
def test_the_beta_function_stays_a_probability(x: float, a: float, b: float) -> None:
    assert -1e-9 <= regularised_beta(x, a, b) <= 1 + 1e-9
