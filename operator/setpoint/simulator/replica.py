"""The API server before an engine: one process that reads requests and hands out tokens, one thing at a time.

With a thousand tokens a second it hardly matters; near an engine's capacity its queue is a good part of the
time to first token, and makes the gaps between tokens uneven: its event loop takes turns, so a request that
comes while tokens are handed out delays those after it. As in vLLM (v1/engine/output_processor.py,
RequestOutputCollector), a token that is still to be handed out when the same request's next one comes goes
out together with it, so that the queue never grows beyond one chunk a request.
"""

from collections import deque

from setpoint.simulator.engine import Engine
from setpoint.simulator.parameters import Parameters
from setpoint.simulator.request import Request
from setpoint.simulator.step import Step

Gap = tuple[float, float, int]
"""What decoding requests saw of one step: when its tokens went out (the middle of them stands for all), how
long after those of the step before, and how many requests.

A plain tuple: there is one for every step, and the garbage collector leaves those of numbers alone."""


class Replica:
    """An engine and its API server. Times are seconds on the caller's clock."""

    def __init__(self, engine: Engine, parameters: Parameters) -> None:
        self.engine = engine
        self._request_seconds = parameters.request_seconds
        self._prompt_token_seconds = parameters.prompt_token_seconds
        self._output_token_seconds = parameters.output_token_seconds
        self._busy_until = 0.0
        self._handing_out_seconds = 0.0
        """Work on the tokens of the newest step."""
        self.half_seconds = 0.0
        """When half of the tokens of the newest step have gone out; later, when a request comes before."""
        self._half_before_seconds = 0.0
        self._decoding = 0
        """How many requests decoded in the newest step."""
        self._read: deque[tuple[float, Request]] = deque()
        """Requests on their way to the engine, and when they reach it."""

    @property
    def next_seconds(self) -> float:
        """When something happens next in it."""
        step_ends = self.engine.step_ends_seconds
        if self._read and self._read[0][0] < step_ends:
            return self._read[0][0]
        return step_ends

    def receive(self, request: Request, now: float) -> None:
        """Take a request off the network."""
        work = self._request_seconds + self._prompt_token_seconds * request.prompt_tokens
        self._busy_until = max(self._busy_until, now) + work
        if now < self.half_seconds:
            self.half_seconds += work
        self._read.append((self._busy_until, request))

    def take_read(self) -> tuple[float, Request] | None:
        """Return the request that reaches the engine next, and when, unless a step ends before."""
        if self._read and self._read[0][0] <= self.engine.step_ends_seconds:
            return self._read.popleft()
        return None

    def handed_out(self) -> Gap:
        """Return what became of the newest step's tokens; told once, then there are none."""
        gap = self.half_seconds, self.half_seconds - self._half_before_seconds, self._decoding
        self._decoding = 0
        return gap

    def advance(self) -> tuple[Step, float, float]:
        """End the step that runs, and begin to hand out its tokens.

        Return the step, when half of its tokens will have gone out if nothing comes in between, and when all.
        """
        ends = self.engine.step_ends_seconds
        step = self.engine.advance()
        backlog = max(self._busy_until - ends, 0.0)
        merged = min(backlog, self._handing_out_seconds)
        work = max(step.generated * self._output_token_seconds, merged)
        start = ends + backlog - merged
        self._handing_out_seconds = work
        self._busy_until = start + work
        self._half_before_seconds = self.half_seconds
        self.half_seconds = max((start + self._busy_until) / 2, self._half_before_seconds)
        self._decoding = step.decoding
        return step, self.half_seconds, self._busy_until
