import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.loadgen.student import chance_beyond, two_sided


@pytest.mark.parametrize(
    ("level", "degrees", "expected"),
    # Any table of Student's distribution.
    [(0.95, 1, 12.706), (0.95, 4, 2.776), (0.95, 19, 2.093), (0.99, 19, 2.861), (0.95, 1e6, 1.960)],
)
def test_the_bounds_are_those_of_the_tables(level: float, degrees: float, expected: float) -> None:
    assert two_sided(level, degrees) == pytest.approx(expected, abs=5e-4)


@given(st.floats(0.01, 0.9999), st.floats(1, 1000))
def test_bounds_and_tails_are_inverse(level: float, degrees: float) -> None:
    assert chance_beyond(two_sided(level, degrees), degrees) == pytest.approx(1 - level, rel=1e-6)


def test_nothing_lies_beyond_infinity() -> None:
    assert chance_beyond(math.inf, 5) == 0
    assert chance_beyond(0, 5) == 1
