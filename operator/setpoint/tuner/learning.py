"""What windows teach of an engine: what its steps cost, and what its requests are like.

The engine itself counts its steps by size, with their seconds (`setpoint_vllm.step_times`), so that one
window under any limits tells of small and large steps alike, and every request helps, not only those of a
trial.
"""

import math
from dataclasses import dataclass, replace

from setpoint.signals.window import Window
from setpoint.simulator.steptime import MOST_CAPTURED_TOKENS
from setpoint.tuner.batching import Mix
from setpoint.tuner.belief import Belief
from setpoint.tuner.lengths import are_of_others
from setpoint.tuner.stepcost import UNKNOWN, StepCost

LEAST_STEPS = 20.0
"""Of fewer of a size the mean says little."""
LEAST_FINISHED = 20.0
NOISE = 0.05
"""Of a size's mean step: steps of one size differ, and so do GPUs of one kind."""
DRIFT = 0.03
"""By so much the logarithm of each coefficient may have moved from one window to the next: clocks, warmth."""
REMEMBERED = 0.7
"""Share that the means of lengths keep from one window to the next."""
MANY_REQUESTS = 200.0
"""Of fewer, the means of lengths keep more."""
_TYPICAL_STEPS = (64, 256, 1024, 4096)
_TYPICAL_RUNNING = 32


@dataclass(frozen=True)
class Learned:
    """What is known; the lengths are 0 before the first window."""

    cost: Belief = UNKNOWN
    prompt_tokens: float = 0.0
    computed_tokens: float = 0.0
    """Of a prompt, without what the prefix cache had, and with what was computed again after a preemption."""
    output_tokens: float = 0.0

    @property
    def mix(self) -> Mix | None:
        """The requests; None while nothing is known of them."""
        if not self.output_tokens:
            return None
        return Mix(
            prompt_tokens=max(self.computed_tokens, 1.0),
            output_tokens=self.output_tokens,
            cached_tokens=max(self.prompt_tokens - self.computed_tokens, 0.0),
        )

    def is_like(self, other: "Learned", share: float) -> bool:
        """Whether each figure is within so much of the other's, so that the same follows from both.

        Figures are the requests' lengths and what steps take: coefficients may wander against each other, and
        say the same of every step that there is.
        """
        mine, theirs = self.figures(other.mix), other.figures(other.mix)
        return all(
            abs(one - another) <= share * max(abs(one), abs(another), 1e-9)
            for one, another in zip(mine, theirs, strict=True)
        )

    def figures(self, mix: Mix | None) -> tuple[float, ...]:
        """What steps take that attend to so much, in seconds, and the lengths of requests."""
        cost = StepCost.of(self.cost.mean)
        running_tokens = _TYPICAL_RUNNING * mix.context_tokens if mix else 0.0
        steps = (cost.seconds(tokens, running_tokens) for tokens in _TYPICAL_STEPS)
        return *steps, self.prompt_tokens, self.computed_tokens, self.output_tokens


def learned(before: Learned, window: Window, captured_tokens: int = MOST_CAPTURED_TOKENS) -> Learned:
    """Return what is known after one more window, which no other one overlaps, of engines that captured CUDA
    graphs of so many tokens.
    """
    counted = window.counted
    sizes = [
        each for each in counted.steps_by_size.values() if each.count >= LEAST_STEPS and each.seconds > 0
    ]
    steps = sum(each.count for each in counted.steps_by_size.values())
    computed = sum(each.tokens for each in counted.steps_by_size.values()) - counted.generation_tokens
    ended = window.finished + counted.cut + counted.failed
    begun = ended + window.running - window.running_before
    if window.finished < LEAST_FINISHED or not sizes or computed < 0 or not ended / 2 <= begun <= 3 * ended:
        # Steps that nobody counted, or too few requests of which both ends are known. Those that run at one
        # end of the window alone are taken to have given half of their answers in it.
        return before
    now = replace(
        before,
        prompt_tokens=_moved(before.prompt_tokens, counted.prompt_tokens / begun, begun),
        computed_tokens=_moved(before.computed_tokens, computed / begun, begun),
        output_tokens=_moved(before.output_tokens, 2 * counted.generation_tokens / (begun + ended), begun),
    )
    mix = now.mix
    context_tokens = counted.generation_tokens / steps * (mix.context_tokens if mix else 0.0)

    def predict(logarithms: tuple[float, ...]) -> list[float]:
        cost = StepCost.of(logarithms, captured_tokens)
        return [math.log(cost.seconds(each.tokens / each.count, context_tokens)) for each in sizes]

    means = [each.seconds / each.count for each in sizes]
    drifted = before.cost.blurred(DRIFT, UNKNOWN)
    return replace(now, cost=drifted.updated(predict, means, [NOISE] * len(means)))


def _moved(before: float, now: float, requests: float) -> float:
    """The mean of lengths after a window of so many requests; of few it moves less."""
    if not before or are_of_others(before, now):
        return now
    share = (1 - REMEMBERED) * min(requests / MANY_REQUESTS, 1.0)
    return (1 - share) * before + share * now
