"""Recursive least squares with exponential forgetting (Haykin, Adaptive Filter Theory, chapter 10)."""

from collections.abc import Sequence

START_VARIANCE = 1e3
"""Of a coefficient before anything was seen: large, so that a few observations outweigh the start."""
FORGETTING = 0.9995
"""Weight of an observation by age, in observations: 2,000 of them, most of a minute of steps."""


class RecursiveLeastSquares:
    """A linear model that learns one observation at a time. Before the first it predicts 0."""

    def __init__(self, size: int, forgetting: float = FORGETTING) -> None:
        self._forgetting = forgetting
        self.coefficients = [0.0] * size
        self._covariance = [
            [START_VARIANCE if row == column else 0.0 for column in range(size)] for row in range(size)
        ]

    def predict(self, features: Sequence[float]) -> float:
        """Return what the model expects."""
        coefficients = self.coefficients
        total = 0.0
        for index, feature in enumerate(features):
            total += coefficients[index] * feature
        return total

    def update(self, features: Sequence[float], value: float) -> None:
        """Learn from one observation."""
        size = len(features)
        covariance = self._covariance
        spread = [0.0] * size
        for row in range(size):
            line = covariance[row]
            total = 0.0
            for column in range(size):
                total += line[column] * features[column]
            spread[row] = total
        scale = self._forgetting
        for row in range(size):
            scale += spread[row] * features[row]
        error = value - self.predict(features)
        for row in range(size):
            gain = spread[row] / scale
            self.coefficients[row] += gain * error
            line = covariance[row]
            for column in range(size):
                line[column] = (line[column] - gain * spread[column]) / self._forgetting
        for row in range(size):  # forgetting lets what is never excited grow without end
            if covariance[row][row] > START_VARIANCE:
                shrink = START_VARIANCE / covariance[row][row]
                for other in range(size):
                    covariance[row][other] *= shrink**0.5
                    covariance[other][row] *= shrink**0.5
