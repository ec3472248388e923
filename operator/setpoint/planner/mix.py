"""What requests are like, as far as a plan asks: how long on average, and how unlike each other."""

from dataclasses import dataclass
from random import Random
from statistics import fmean, pvariance

from setpoint.workload.draws import Shape

_DRAWN = 2000
"""Prompts from which the variation is told: known to some 5 %, which moves a predicted rate by far less."""


@dataclass(frozen=True, slots=True)
class Mix:
    """The requests of a service.

    Raises ValueError, naming field, value and remedy, for what is no request.
    """

    prompt_tokens: float
    """Of the mean prompt."""
    output_tokens: float
    """Of the mean answer."""
    squared_variation: float = 1.0
    """Of the tokens of prompts, variance over the square of the mean: 1, that of exponential lengths, where
    it is not known."""
    is_assumed: bool = False
    """Nobody has said anything of the requests: figures that follow from it are an example."""

    def __post_init__(self) -> None:
        for name, tokens in (("prompt_tokens", self.prompt_tokens), ("output_tokens", self.output_tokens)):
            if not tokens >= 1:
                raise ValueError(f"{name} ({tokens:g}) must be at least 1: give the mean of the requests")
        if not self.squared_variation >= 0:
            raise ValueError(f"squared_variation ({self.squared_variation:g}) must not be negative")

    @property
    def decoded_tokens(self) -> float:
        """Tokens of an answer that steps of their own bring: the first comes with the end of the prompt."""
        return max(self.output_tokens - 1, 1.0)

    @property
    def live_tokens(self) -> float:
        """Tokens of a decoding request in the KV cache, on average over its answer."""
        return self.prompt_tokens + self.output_tokens / 2


ASSUMED = Mix(1024, 256, is_assumed=True)
"""Round numbers of a chat with some history, where nobody says what requests are like."""


def mix_of(shape: Shape, random: Random) -> Mix:
    """Return the mix of requests of these lengths; how much prompts vary is told from draws of `random`."""
    drawn = [shape.prompt_tokens.sample(random) for _ in range(_DRAWN)]
    variation = pvariance(drawn) / fmean(drawn) ** 2
    return Mix(shape.prompt_tokens.mean, shape.output_tokens.mean, variation)
