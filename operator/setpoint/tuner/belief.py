"""What is believed of a few coefficients: a Gaussian over their logarithms, and what measurements do to it.

A coefficient of the step time is positive and known to a factor, so that its logarithm is what is believed. A
measurement that is not linear in it is taken in by Gauss and Newton's iteration to the most probable values,
with the curvature there as what is left of the doubt (an iterated extended Kalman filter: Bell and Cathey,
1993).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Matrix = tuple[tuple[float, ...], ...]
Predict = Callable[[tuple[float, ...]], Sequence[float]]
"""The logarithms of what would be measured, were these the logarithms of the coefficients."""

ITERATIONS = 12
_DIFFERENCE = 1e-4
_LONGEST_STEP = 1.0
"""No iteration moves a logarithm further: a factor of 2.7."""


@dataclass(frozen=True)
class Belief:
    """Means and covariance of logarithms."""

    mean: tuple[float, ...]
    covariance: Matrix

    @classmethod
    def of(cls, *values_and_deviations: tuple[float, float]) -> "Belief":
        """Believe each value to within its deviation: the standard one of its logarithm, 0.1 being 10 %."""
        count = len(values_and_deviations)
        return cls(
            tuple(math.log(value) for value, _ in values_and_deviations),
            tuple(
                tuple(deviation**2 if row == column else 0.0 for column in range(count))
                for row, (_, deviation) in enumerate(values_and_deviations)
            ),
        )

    def blurred(self, deviation: float, most: "Belief | None" = None) -> "Belief":
        """Return the belief after a time in which each logarithm may have drifted by so much; what is doubted
        as much as in `most` already is not doubted more.
        """

        def drift(number: int) -> float:
            known = most is None or self.covariance[number][number] < most.covariance[number][number]
            return deviation**2 if known else 0.0

        return Belief(
            self.mean,
            tuple(
                tuple(each + (drift(row) if row == column else 0.0) for column, each in enumerate(line))
                for row, line in enumerate(self.covariance)
            ),
        )

    def updated(self, predict: Predict, measured: Sequence[float], deviations: Sequence[float]) -> "Belief":
        """Return the belief after measurements, given with the standard deviations of their logarithms."""
        if not measured:
            return self
        prior = inverse(self.covariance)
        mean = self.mean
        information = prior
        weights = [1 / each**2 for each in deviations]
        seen = list(map(math.log, measured))
        size = range(len(mean))
        for _ in range(ITERATIONS):
            expected, slopes = _linearised(predict, mean)
            information = tuple(
                tuple(
                    prior[row][column]
                    + sum(
                        weight * slope[row] * slope[column]
                        for weight, slope in zip(weights, slopes, strict=True)
                    )
                    for column in size
                )
                for row in size
            )
            pull = [
                sum(
                    weight * slope[row] * (logarithm - each)
                    for weight, slope, logarithm, each in zip(weights, slopes, seen, expected, strict=True)
                )
                + sum(prior[row][column] * (self.mean[column] - mean[column]) for column in size)
                for row in size
            ]
            step = solve(information, pull)
            mean = tuple(
                each + min(max(by, -_LONGEST_STEP), _LONGEST_STEP)
                for each, by in zip(mean, step, strict=True)
            )
            if max(map(abs, step)) < _DIFFERENCE:
                break
        return Belief(mean, inverse(information))

    def distance(self, logarithms: tuple[float, ...]) -> float:
        """Return the square of how many standard deviations these are from what is believed."""
        apart = [each - mean for each, mean in zip(logarithms, self.mean, strict=True)]
        return _quadratic(apart, inverse(self.covariance))

    def predicted(self, predict: Predict) -> list[tuple[float, float]]:
        """Return the expected logarithm of each measurement, and its standard deviation by this doubt."""
        expected, slopes = _linearised(predict, self.mean)
        return [
            (each, math.sqrt(max(_quadratic(slope, self.covariance), 0.0)))
            for each, slope in zip(expected, slopes, strict=True)
        ]


def _linearised(predict: Predict, at: tuple[float, ...]) -> tuple[Sequence[float], list[list[float]]]:
    """What is expected, and for each measurement its slope in every direction."""
    expected = predict(at)
    slopes: list[list[float]] = [[] for _ in expected]
    for number in range(len(at)):
        moved = predict(tuple(each + (_DIFFERENCE if n == number else 0.0) for n, each in enumerate(at)))
        for slope, before, after in zip(slopes, expected, moved, strict=True):
            slope.append((after - before) / _DIFFERENCE)
    return expected, slopes


def _quadratic(vector: Sequence[float], matrix: Matrix) -> float:
    return sum(
        one * each * other
        for one, line in zip(vector, matrix, strict=True)
        for each, other in zip(line, vector, strict=True)
    )


def solve(matrix: Matrix, right: Sequence[float]) -> list[float]:
    """Return x of `matrix` x = `right`, for a symmetric positive definite matrix (Cholesky)."""
    size = len(right)
    lower = [[0.0] * size for _ in range(size)]
    for row in range(size):
        for column in range(row + 1):
            rest = matrix[row][column] - sum(lower[row][k] * lower[column][k] for k in range(column))
            lower[row][column] = math.sqrt(rest) if row == column else rest / lower[column][column]
    forward: list[float] = []
    for row in range(size):
        known = sum(lower[row][k] * forward[k] for k in range(row))
        forward.append((right[row] - known) / lower[row][row])
    back = [0.0] * size
    for row in reversed(range(size)):
        known = sum(lower[k][row] * back[k] for k in range(row + 1, size))
        back[row] = (forward[row] - known) / lower[row][row]
    return back


def inverse(matrix: Matrix) -> Matrix:
    """Return the inverse of a symmetric positive definite matrix."""
    size = range(len(matrix))
    columns = [solve(matrix, [1.0 if row == column else 0.0 for row in size]) for column in size]
    return tuple(tuple(columns[column][row] for column in size) for row in size)
