"""How long a step takes: four coefficients that an engine's own figures teach.

A step costs something by itself, for each of its tokens, and for each token of context that its sequences
attend to. One of more tokens than CUDA graphs were captured for takes at least what the host needs to launch
it layer by layer (measured on an H100: docs/h100.md).
"""

import math
from dataclasses import dataclass

from setpoint.simulator.steptime import MOST_CAPTURED_TOKENS
from setpoint.tuner.belief import Belief

SHARPNESS = 8.0
"""How sharp the bend is between what the host and what the GPU bounds: the one hides behind the other, and a
measurement on either side of it teaches something of both."""

UNKNOWN = Belief.of((8e-3, 0.7), (40e-6, 0.8), (5e-8, 1.0), (20e-3, 0.7))
"""Of a model and a GPU that nothing is known of: models of 1 to 70 billion parameters on GPUs of the last
years lie within two deviations of each."""


@dataclass(frozen=True)
class StepCost:
    """Seconds of a step."""

    fixed_seconds: float
    token_seconds: float
    context_token_seconds: float
    launch_seconds: float
    """The least that a step beyond the captured graphs takes."""
    captured_tokens: int = MOST_CAPTURED_TOKENS

    @classmethod
    def of(cls, logarithms: tuple[float, ...], captured_tokens: int = MOST_CAPTURED_TOKENS) -> "StepCost":
        """Return the cost with the coefficients of these logarithms, in the order of `UNKNOWN`."""
        fixed, token, context, launch = map(math.exp, logarithms)
        return cls(fixed, token, context, launch, captured_tokens)

    def seconds(self, tokens: float, context_tokens: float) -> float:
        """How long a step of so many tokens takes, whose sequences attend to so many in all."""
        computed = (
            self.fixed_seconds + self.token_seconds * tokens + self.context_token_seconds * context_tokens
        )
        if tokens <= self.captured_tokens:
            return computed
        return float((computed**SHARPNESS + self.launch_seconds**SHARPNESS) ** (1 / SHARPNESS))
