"""The simulated engine in real time: a step's tokens go out when its duration has passed on the clock.

Steps are scheduled against absolute times, so that lateness does not add up: one that goes out late shortens
the wait for the next. There is one wake-up a step, however many requests get a token at its end. On a machine
too slow to keep up, simulated time is given up once it lags by `MAX_LAG_SECONDS`: the simulated GPU is then
slower than it should be, and is seen to be.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from setpoint.simulator.engine import NEVER, Engine
from setpoint.simulator.limits import Limits
from setpoint.simulator.request import Request
from setpoint.simulator.step import Step

MAX_LAG_SECONDS = 0.1


class EngineDeadError(Exception):
    """The engine was stopped under a running request."""


class Clock:
    """Seconds of simulated time: those of the monotonic clock, less what was given up."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self.given_up_seconds = 0.0

    def now(self) -> float:
        """The simulated time."""
        return self._monotonic() - self.given_up_seconds

    def give_up(self, seconds: float) -> None:
        """Stand still for so long, in retrospect."""
        self.given_up_seconds += seconds


class Ticket:
    """A request under way: what it is given goes to `deliver`, and `ended` tells its end."""

    def __init__(
        self, request: Request, max_tokens: int, finish_reason: str, deliver: Callable[[int], None] | None
    ) -> None:
        self.request = request
        self.max_tokens = max_tokens
        """How many tokens the client allowed."""
        self.finish_reason = finish_reason
        """Why it will have ended: "length" or "stop"."""
        self.deliver = deliver
        """Called with the number of new tokens each time there are some; None when only the end matters."""
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the last token is delivered; raises EngineDeadError when there will be none."""
        self._delivered = 0

    def give(self, tokens: int) -> None:
        """Deliver what is new of the first `tokens` tokens."""
        if tokens > self._delivered and self.deliver:
            self.deliver(tokens - self._delivered)
        self._delivered = tokens

    def end(self, error: Exception | None = None) -> None:
        """Nothing more will come."""
        if self.ended.done():
            return
        if error:
            self.ended.set_exception(error)
        else:
            self.ended.set_result(None)


class Observer(Protocol):
    """Who is told what the engine does."""

    def step(self, step: Step) -> None:
        """A step is complete."""

    def finished(self, request: Request, max_tokens: int, finish_reason: str) -> None:
        """A request has its last token; its client allowed so many."""

    def lag(self, seconds: float, given_up_seconds: float) -> None:
        """A step is told so late, and so much simulated time was given up for it."""


class RealTimeEngine:
    """Runs an engine against a clock and hands out its tokens."""

    def __init__(self, engine: Engine, clock: Clock, observer: Observer) -> None:
        self.engine = engine
        self._clock = clock
        self._observer = observer
        self._open: dict[Request, Ticket] = {}
        self._streaming: dict[Request, Ticket] = {}
        """Those of `_open` that had their first token and want each when it is there."""
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self.dead = False
        """Whether it was killed."""
        self._admits_nothing = False

    @property
    def unfinished(self) -> int:
        """Requests that wait or run."""
        return len(self._open)

    def submit(self, ticket: Ticket) -> None:
        """Take in a request. Raises EngineDeadError when the engine is dead."""
        if self.dead:
            raise EngineDeadError
        self.catch_up()
        self._open[ticket.request] = ticket
        self.engine.submit(ticket.request, self._clock.now())
        self._idle.clear()
        self._work.set()

    def cancel(self, ticket: Ticket) -> None:
        """Forget a request whose client has left; nothing, when it has ended."""
        if self._open.pop(ticket.request, None):
            self._streaming.pop(ticket.request, None)
            self.engine.cancel(ticket.request)
            self._tell_if_idle()

    def set_limits(self, limits: Limits) -> Limits:
        """Keep to `limits`, as far as the start allows; return what is in force."""
        in_force = self.engine.set_limits(limits)
        if self._admits_nothing:
            self.engine.scheduler.limits = replace(in_force, max_num_active_seqs=0)
        else:
            self.engine.resume(self._clock.now())
            self._work.set()
        return in_force

    def admit_nothing(self, held: bool) -> None:
        """Leave all that waits where it is; or no longer, from the next `set_limits` on."""
        self._admits_nothing = held

    def kill(self) -> None:
        """End every request with an error, and take no more."""
        self.dead = True
        for ticket in list(self._open.values()):
            self.cancel(ticket)
            ticket.end(EngineDeadError())

    async def drained(self) -> None:
        """Return when no request is left."""
        await self._idle.wait()

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            due = self.engine.step_ends_seconds
            if due == NEVER:
                self._work.clear()
                await self._work.wait()
            else:
                # When it is overdue already, what came over the network meanwhile has its turn first.
                await asyncio.sleep(max(0.0, due - self._clock.now()))
                self.catch_up()

    def catch_up(self) -> None:
        """End the steps that are due, so that what comes next finds the engine as it is now."""
        lag = self._clock.now() - self.engine.step_ends_seconds
        if lag < 0:
            return
        given_up = lag if lag > MAX_LAG_SECONDS else 0.0
        self._clock.give_up(given_up)
        self._observer.lag(lag, given_up)
        now = self._clock.now()
        while self.engine.step_ends_seconds <= now:
            step = self.engine.advance()
            self._observer.step(step)
            self._hand_out(step)

    def _hand_out(self, step: Step) -> None:
        for request in step.first_tokens:
            if self._open[request].deliver:
                self._streaming[request] = self._open[request]
        delivered = self.engine.scheduler.delivered
        for request, ticket in self._streaming.items():
            ticket.give(delivered(request))
        for request in step.finished:
            ticket = self._open.pop(request)
            self._streaming.pop(request, None)
            self._observer.finished(request, ticket.max_tokens, ticket.finish_reason)
            ticket.end()
        self._tell_if_idle()

    def _tell_if_idle(self) -> None:
        if not self._open:
            self._idle.set()
