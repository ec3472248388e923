"""Learning a linear model one observation at a time."""

from random import Random

import pytest

from benchmarks.governor.least_squares import RecursiveLeastSquares


def test_finds_the_coefficients_of_a_line_through_noise() -> None:
    random, model = Random(1), RecursiveLeastSquares(2)
    for _ in range(2000):
        features = [1.0, random.random()]
        model.update(features, (0.01 + 0.02 * features[1]) * random.gauss(1, 0.03))
    assert model.coefficients == pytest.approx([0.01, 0.02], rel=0.03)


def test_predicts_nothing_before_the_first_observation() -> None:
    assert RecursiveLeastSquares(3).predict([1.0, 2.0, 3.0]) == 0.0


def test_forgets_what_is_long_past() -> None:
    model = RecursiveLeastSquares(1, forgetting=0.99)
    for value in [1.0] * 1000 + [2.0] * 1000:
        model.update([1.0], value)
    assert model.coefficients == pytest.approx([2.0], rel=1e-3)


def test_stays_finite_when_one_feature_is_never_seen() -> None:
    model = RecursiveLeastSquares(2, forgetting=0.9)
    for _ in range(100_000):
        model.update([1.0, 0.0], 3.0)
    model.update([1.0, 1.0], 5.0)
    assert model.predict([1.0, 1.0]) == pytest.approx(5.0, rel=0.1)
