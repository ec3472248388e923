"""How long a step takes, from its tokens: a straight line through what a service's own engines did.

A step costs something by itself, and for each of its tokens; the mean step of an interval then lies on the
same line as single ones. An engine that always has work does one step after the other, so that the mean step
of an interval lasted the interval by its steps.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from setpoint.signals.reading import Reading
from setpoint.signals.window import difference

LEAST_POINTS = 8
LEAST_RUNNING = 4.0
"""An engine that runs fewer at both ends of an interval may have been idle in it."""
LEAST_SIGNIFICANCE = 3.0
"""The slope must be so many of its standard errors above 0."""


@dataclass(frozen=True)
class StepTime:
    """A straight line."""

    fixed_seconds: float
    token_seconds: float
    least_tokens: float = 0.0
    """The smallest mean step that was seen. Of much smaller ones the line says nothing: large steps are bound
    by arithmetic, small ones by memory."""

    def seconds(self, tokens: float) -> float:
        """How long a step of so many tokens takes."""
        return self.fixed_seconds + self.token_seconds * tokens


def measured_steps(moments: Iterable[Mapping[str, Reading]]) -> list[tuple[float, float]]:
    """Return mean tokens and seconds of a step, for each engine between two moments in which it had work."""
    points = []
    for before, after in pairwise(moments):
        for name in sorted(before.keys() & after.keys()):
            if min(before[name].running, after[name].running) < LEAST_RUNNING:
                continue
            window = difference({name: before[name]}, {name: after[name]}).window
            if window is not None and window.counted.steps:
                steps = window.counted.steps
                points.append((window.counted.step_tokens / steps, window.seconds / steps))
    return points


def fit(points: list[tuple[float, float]]) -> StepTime | None:
    """Return the line of least squares; None where the points do not show one."""
    count = len(points)
    if count < LEAST_POINTS:
        return None
    mean_tokens = sum(tokens for tokens, _ in points) / count
    mean_seconds = sum(seconds for _, seconds in points) / count
    spread = sum((tokens - mean_tokens) ** 2 for tokens, _ in points)
    if not spread:
        return None
    slope = sum((tokens - mean_tokens) * (seconds - mean_seconds) for tokens, seconds in points) / spread
    line = StepTime(mean_seconds - slope * mean_tokens, slope, min(tokens for tokens, _ in points))
    residual = sum((seconds - line.seconds(tokens)) ** 2 for tokens, seconds in points)
    error = math.sqrt(residual / (count - 2) / spread)
    if line.fixed_seconds < 0 or slope <= LEAST_SIGNIFICANCE * error:
        return None
    return line
