"""How long a step would take: as an engine can learn it from its own steps, or as the simulator knows it."""

from collections.abc import Callable
from random import Random
from typing import Protocol

from benchmarks.governor.least_squares import RecursiveLeastSquares
from setpoint.simulator.step import Step
from setpoint.simulator.steptime import MOST_CAPTURED_TOKENS

NOISE = 0.03
"""Relative standard deviation of a measured step time."""
STEPS_UNTIL_KNOWN = 2
"""Two steps are scheduled ahead, so that the one before the last has ended when the next is scheduled."""


class Predictor(Protocol):
    """Predicts step times, and is told of each step and how long it took."""

    def predict(self, step: Step) -> float:
        """Return seconds."""

    def learn(self, step: Step, seconds: float) -> None:
        """Take in a step that is scheduled now and will take so long."""


class Oracle:
    """Knows the very function that the simulator uses: an upper bound of what can be learned."""

    def __init__(self, step_seconds: Callable[[Step], float]) -> None:
        self.predict = step_seconds

    def learn(self, step: Step, seconds: float) -> None:
        """Nothing is left to learn."""


class Learned:
    """Two linear models, fitted to the engine's own steps: within the captured CUDA graphs, and beyond.

    Only steps with prompts are learned from and asked for: a budget decides on nothing else. Each model has a
    hinge, since a step takes the host's launch time or the GPU's work, whichever is longer.
    """

    def __init__(self, random: Random, captured_tokens: int = MOST_CAPTURED_TOKENS) -> None:
        self._random = random
        self._captured_tokens = captured_tokens
        self._within = RecursiveLeastSquares(5)
        self._beyond = RecursiveLeastSquares(5)
        self._running: list[tuple[Step, float]] = []

    def predict(self, step: Step) -> float:
        """Return seconds, 0 before anything was learned: what is unknown is tried."""
        model, features = self._see(step)
        return model.predict(features)

    def learn(self, step: Step, seconds: float) -> None:
        """Note a step; what is learned now is how long the one before the last took, with noise."""
        self._running.append((step, seconds))
        if len(self._running) <= STEPS_UNTIL_KNOWN:
            return
        ended, took = self._running.pop(0)
        if ended.prefill_tokens:
            model, features = self._see(ended)
            model.update(features, took * (1 + self._random.gauss(0, NOISE)))

    def _see(self, step: Step) -> tuple[RecursiveLeastSquares, list[float]]:
        tokens = step.decoding + step.prefill_tokens
        within = tokens <= self._captured_tokens
        hinge = self._captured_tokens * (0.5 if within else 2)
        features = [
            1.0,
            tokens / 512,
            max(tokens - hinge, 0) / 512,
            (step.decoding_context_tokens + step.prefill_context_tokens) / 1e5,
            step.attention_pairs / 1e6,
        ]
        return (self._within if within else self._beyond), features
