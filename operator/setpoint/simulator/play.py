"""Virtual time: clients and engines, from one event to the next.

A request that a client sends reaches the engine a little later: the time that it spends in client, network
and API server is part of its latency as the client sees it.
"""

from collections.abc import Callable, Iterable
from heapq import heapify, heappop, heappush
from itertools import count

from setpoint.simulator.engine import Shed
from setpoint.simulator.parameters import Parameters
from setpoint.simulator.record import Record
from setpoint.simulator.request import Request
from setpoint.simulator.router import Router

Sent = tuple[float, Request]
"""When a client sends a request, and the request."""

RETRY_SECONDS = 1.0
"""A client that was refused sends its next request so much later."""


class Play:
    """A router's engines and their clients; the clock begins at 0 seconds."""

    def __init__(
        self,
        router: Router,
        parameters: Parameters,
        next_of: Callable[[Request, float], Sent | None] = lambda *_: None,
    ) -> None:
        """`next_of` returns what the client of a request sends when it has ended at that time."""
        self.record = Record()
        self._router = router
        self._parameters = parameters
        self._next_of = next_of
        self._arriving: list[tuple[float, int, Request]] = []
        self._numbers = count()
        self._delays: dict[Request, float] = {}

    def send(self, requests: Iterable[Sent]) -> None:
        """Let requests be sent at the times given, which are still to come."""
        for seconds, request in requests:
            self._arriving.append(self._arrival(seconds, request))
        heapify(self._arriving)

    def run_until(self, end: float) -> None:
        """Let everything happen that happens before `end`."""
        arriving, record, delays, engines = self._arriving, self.record, self._delays, self._router.engines
        engine = engines[0]
        while True:
            if len(engines) > 1:
                engine = min(engines, key=lambda each: each.step_ends_seconds)
            step_ends = engine.step_ends_seconds
            if arriving and arriving[0][0] <= step_ends:
                if arriving[0][0] >= end:
                    return
                self._submit(*heappop(arriving))
            elif step_ends < end:
                step = engine.advance()
                record.step(step, delays)
                for request in step.finished:
                    self._send_next(request, step_ends)
            else:
                return

    def _submit(self, now: float, _: int, request: Request) -> None:
        try:
            self._router.submit(request, now)
        except Shed as shed:
            del self._delays[request]
            self.record.shed.append((now, str(shed)))
            self._send_next(request, now + RETRY_SECONDS)

    def _send_next(self, request: Request, now: float) -> None:
        following = self._next_of(request, now)
        if following is not None:
            heappush(self._arriving, self._arrival(*following))

    def _arrival(self, seconds: float, request: Request) -> tuple[float, int, Request]:
        parameters = self._parameters
        delay = parameters.request_seconds + parameters.prompt_token_seconds * request.prompt_tokens
        self._delays[request] = delay
        return seconds + delay, next(self._numbers), request
