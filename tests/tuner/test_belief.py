import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.tuner.belief import Belief, inverse, solve

DEVIATIONS = st.floats(0.01, 2.0)
VALUES = st.floats(0.001, 1000.0)


@given(value=VALUES, deviation=DEVIATIONS, measured=VALUES, noise=DEVIATIONS)
def test_a_value_that_is_measured_itself_is_weighed_with_what_was_believed(
    value: float, deviation: float, measured: float, noise: float
) -> None:
    belief = Belief.of((value, deviation)).updated(lambda at: at, [measured], [noise])
    before, after = 1 / deviation**2, 1 / noise**2
    expected = (before * math.log(value) + after * math.log(measured)) / (before + after)
    assert belief.mean[0] == pytest.approx(expected, abs=1e-3)
    assert belief.covariance[0][0] == pytest.approx(1 / (before + after), rel=1e-3)


@given(measured=st.lists(VALUES, min_size=1, max_size=5), noise=DEVIATIONS)
def test_a_measurement_leaves_no_more_doubt_than_there_was(measured: list[float], noise: float) -> None:
    prior = Belief.of((1.0, 0.7), (2.0, 0.3))

    def total(at: tuple[float, ...]) -> list[float]:
        return [math.log(sum(map(math.exp, at)))] * len(measured)

    after = prior.updated(total, measured, [noise] * len(measured))
    assert all(after.covariance[each][each] <= prior.covariance[each][each] + 1e-9 for each in (0, 1))


def test_coefficients_come_out_of_what_they_make() -> None:
    def costs(at: tuple[float, ...]) -> list[float]:
        fixed, each = map(math.exp, at)
        return [math.log(fixed + each * count) for count in (10, 100, 1000)]

    seen = [math.exp(each) for each in costs((math.log(0.005), math.log(2e-5)))]
    found = Belief.of((0.01, 1.0), (1e-4, 1.0)).updated(costs, seen, [0.01] * 3)
    assert tuple(map(math.exp, found.mean)) == pytest.approx((0.005, 2e-5), rel=0.01)


def test_without_a_measurement_nothing_changes() -> None:
    belief = Belief.of((3.0, 0.5))
    assert belief.updated(lambda at: at, [], []) == belief


def test_what_is_predicted_has_the_doubt_of_the_coefficients() -> None:
    belief = Belief.of((2.0, 0.3))
    ((expected, deviation),) = belief.predicted(lambda at: [2 * at[0]])
    assert [expected, deviation] == pytest.approx([2 * math.log(2.0), 0.6], rel=1e-3)


@given(st.lists(st.floats(-5, 5), min_size=3, max_size=3), st.lists(st.floats(-9, 9), min_size=3, max_size=3))
def test_a_positive_definite_system_is_solved(row: list[float], right: list[float]) -> None:
    matrix = tuple(
        tuple(one * other + (1.0 if i == k else 0.0) for k, other in enumerate(row))
        for i, one in enumerate(row)
    )
    solved = solve(matrix, right)
    for line, wanted in zip(matrix, right, strict=True):
        assert sum(one * other for one, other in zip(line, solved, strict=True)) == pytest.approx(
            wanted, abs=1e-6
        )


def test_an_inverse_times_its_matrix_is_one() -> None:
    matrix = ((4.0, 1.0), (1.0, 3.0))
    columns = list(zip(*inverse(matrix), strict=True))
    products = [
        [sum(a * b for a, b in zip(row, column, strict=True)) for column in columns] for row in matrix
    ]
    assert products == [pytest.approx([1.0, 0.0]), pytest.approx([0.0, 1.0])]
