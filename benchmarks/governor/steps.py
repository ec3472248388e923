"""What the next step can be, for each number of tokens that it may have."""

from collections.abc import Sequence
from dataclasses import dataclass

from setpoint.simulator.request import Phase, Request
from setpoint.simulator.scheduler import Scheduler
from setpoint.simulator.step import Step

TYPICAL_PROMPT_TOKENS = 512
"""Of a prompt that has not come yet."""


@dataclass(slots=True)
class Ahead:
    """What is known of the next step when the one before it has just been scheduled.

    Decoding requests are known for certain. Of prompts it is known how far the first has come and how long it
    is; the ones behind it are taken to be fresh and all as long as `fresh_prompt_tokens`.
    """

    decoding: int
    decoding_context_tokens: int
    first_computed_tokens: int = 0
    first_remaining_tokens: int = 0
    fresh_prompt_tokens: int = TYPICAL_PROMPT_TOKENS

    def step(self, tokens: int) -> Step:
        """Return the step that so many tokens, at least one of them of a prompt, would make."""
        prompts = max(tokens - self.decoding, 1)
        first = min(prompts, self.first_remaining_tokens)
        rest = prompts - first
        fresh = -(-rest // self.fresh_prompt_tokens)
        pairs = first * self.first_computed_tokens + first * (first + 1) // 2
        whole, part = divmod(rest, self.fresh_prompt_tokens)
        pairs += whole * self.fresh_prompt_tokens * (self.fresh_prompt_tokens + 1) // 2
        pairs += part * (part + 1) // 2
        step = Step(0)
        step.decoding = self.decoding
        step.decoding_context_tokens = self.decoding_context_tokens
        step.prefill_tokens = prompts
        step.prefill_sequences = fresh + (first > 0)
        step.prefill_context_tokens = (self.first_computed_tokens + first if first else 0) + rest
        step.attention_pairs = pairs
        return step


def ahead(scheduler: Scheduler, step: Step) -> Ahead:
    """Return what follows on a step that has just been scheduled, from what an engine's core has at hand.

    Whoever ends a prompt in it decodes in the next one, whoever has its last token does not.
    """
    known = Ahead(
        step.decoding + len(step.completing) - len(step.finished),
        _context_tokens(step),
    )
    for request in reversed(scheduler.running):
        if request.phase is not Phase.PREFILLING:
            break
        known.first_computed_tokens = request.computed_tokens
        known.first_remaining_tokens = request.target_tokens - request.computed_tokens
    if scheduler.waiting:
        known.fresh_prompt_tokens = scheduler.waiting[0].target_tokens
    return known


def _context_tokens(step: Step) -> int:
    """Of all who decode in the next step: one more each than in this one."""
    total = step.decoding_context_tokens + step.decoding
    total += sum(request.target_tokens + 1 for request in step.completing)
    return max(total - _whole(step.finished), 0)


def _whole(finished: Sequence[Request]) -> int:
    return sum(request.prompt_tokens + request.output_tokens for request in finished)
