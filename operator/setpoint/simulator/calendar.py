"""Requests that decode, one token in every step: counted, not visited.

Let such a request have `origin` o, so that the end of step i brings its token number i - o. When step i
begins it has prompt + (i - o) - 2 tokens in the KV cache: all but the token that the step before has brought.
So it needs a block in the steps i = o + 2 - prompt modulo block size, attends to prompt + (i - o) - 1 tokens,
and ends with step o + output: sums and counters of what does not depend on i tell what all of them do.
"""

from collections.abc import Sequence

from setpoint.simulator.request import Request


class DecodingCalendar:
    """What the decoding requests do, by step number."""

    def __init__(self, block_size: int) -> None:
        self.number = 0
        self._block_size = block_size
        self._context_base = 0
        self._growing = [0] * block_size
        self._ends: dict[int, list[Request]] = {}

    def start(self, request: Request, first_step: int) -> bool:
        """Enter a request to which `first_step` brings its next token, as its prefill does.

        Return False when that is its last token already, so that it decodes in no step.
        """
        origin = request.origin = first_step - 1 - request.produced_tokens
        last_step = origin + request.output_tokens
        ending = self._ends.get(last_step)
        if ending is None:
            self._ends[last_step] = [request]
        else:
            ending.append(request)
        if last_step == first_step:
            return False
        request.block_step = (origin + 2 - request.prompt_tokens) % self._block_size
        self._count(request, +1)
        return True

    def stop(self, request: Request) -> None:
        """Take out a decoding request before its end."""
        self._count(request, -1)
        self._ends[request.origin + request.output_tokens].remove(request)

    def pop_ending(self, step_index: int) -> Sequence[Request]:
        """Return the requests whose last token a step brings; those that decode are to `finish`."""
        return self._ends.pop(step_index, ())

    def finish(self, request: Request) -> None:
        """Count a decoding request no longer: the step that brings its last token has been scheduled."""
        self._count(request, -1)

    def context_tokens(self, step_index: int) -> int:
        """Return how many tokens all of them attend to in a step."""
        return self.number * step_index + self._context_base

    def blocks_needed(self, step_index: int) -> int:
        """Return how many of them need a block for a step."""
        return self._growing[step_index % self._block_size]

    def needs_block(self, request: Request, step_index: int) -> bool:
        """Return whether one of them does."""
        return step_index % self._block_size == request.block_step

    def computed_tokens(self, request: Request, step_index: int) -> int:
        """Return how many tokens one of them has in the KV cache when a step begins."""
        return step_index + request.prompt_tokens - request.origin - 2

    def _count(self, request: Request, sign: int) -> None:
        self.number += sign
        self._context_base += sign * (request.prompt_tokens - request.origin - 1)
        self._growing[request.block_step] += sign
