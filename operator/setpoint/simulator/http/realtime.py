"""The simulated replica in real time: what happens in it happens when its time has come on the clock.

Everything is scheduled against absolute times, so that lateness does not add up: a step that ends late
shortens the wait for the next. There is one wake-up for the end of a step and one for its tokens, however
many requests get one. On a machine too slow to keep up, simulated time is given up once it lags by
`MAX_LAG_SECONDS`: the simulated replica is then slower than it should be, and is seen to be.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from setpoint.simulator.engine import NEVER
from setpoint.simulator.limits import Limits
from setpoint.simulator.replica import Replica
from setpoint.simulator.request import Request
from setpoint.simulator.step import Step

MAX_LAG_SECONDS = 0.1


class EngineDeadError(Exception):
    """The engine was stopped under a running request."""


class Clock:
    """Seconds of simulated time: those of the monotonic clock, less what was given up."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._given_up_seconds = 0.0

    def now(self) -> float:
        """The simulated time."""
        return self._monotonic() - self._given_up_seconds

    def give_up(self, seconds: float) -> None:
        """Let the last `seconds` not have been."""
        self._given_up_seconds += seconds


@dataclass(slots=True, eq=False)
class Ticket:
    """A request under way. Everything after `deliver` is the replica's to write."""

    request: Request
    max_tokens: int
    """How many tokens the client allowed."""
    finish_reason: str
    """Why it will have ended: "length" or "stop"."""
    deliver: Callable[[int], None] | None = None
    """Called with the number of new tokens each time there are some; None when only the end matters."""
    delivered: int = 0
    arrived_seconds: float = 0.0
    ttft_seconds: float = 0.0
    e2e_seconds: float = 0.0
    """As the API server sees it, as TTFT: from its arrival until the last token is handed out."""
    ended: "asyncio.Future[None]" = field(init=False)
    """Done when the last token is handed out; raises EngineDeadError when there will be none."""

    def give(self, tokens: int) -> None:
        """Deliver what is new of the first `tokens` tokens."""
        if tokens > self.delivered and self.deliver and not self.ended.done():
            self.deliver(tokens - self.delivered)
            self.delivered = tokens

    def end(self, error: Exception | None = None) -> None:
        """Nothing more will come."""
        if self.ended.done():
            return
        if error:
            self.ended.set_exception(error)
        else:
            self.ended.set_result(None)


class Observer(Protocol):
    """Who is told what the replica does."""

    def step(self, step: Step) -> None:
        """The engine core ended a step."""

    def first_token(self, ticket: Ticket) -> None:
        """The API server hands out a request's first token."""

    def finished(self, ticket: Ticket) -> None:
        """The API server hands out a request's last token."""

    def lag(self, seconds: float, given_up_seconds: float) -> None:
        """What was due came so late, and so much simulated time was given up for it."""


@dataclass(slots=True)
class _Outgoing:
    """What a step brought and the API server has not handed out yet."""

    at: float
    step: Step
    tokens: list[tuple[Ticket, int]]


class RealTimeReplica:
    """Runs a replica against a clock, and hands out its tokens."""

    def __init__(self, replica: Replica, clock: Clock, observer: Observer) -> None:
        self.engine = replica.engine
        self.dead = False
        """Whether it was killed."""
        self._replica = replica
        self._clock = clock
        self._observer = observer
        self._open: dict[Request, Ticket] = {}
        self._unread: dict[Request, Ticket] = {}
        """Those of `_open` that the API server has not handed to the engine yet."""
        self._streaming: dict[Request, Ticket] = {}
        """Those of `_open` that had their first token and want each."""
        self._outgoing: deque[_Outgoing] = deque()
        self._admits_nothing = False
        self._alarm: asyncio.Future[None] | None = None
        self._alarm_seconds = NEVER
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def unfinished(self) -> int:
        """Requests that wait or run."""
        return len(self._open)

    @property
    def queued_tokens(self) -> int:
        """Prompt tokens of the requests without a first token."""
        return self.engine.scheduler.queued_tokens + sum(each.prompt_tokens for each in self._unread)

    def submit(self, ticket: Ticket) -> None:
        """Take in a request. Raises EngineDeadError when the engine is dead."""
        if self.dead:
            raise EngineDeadError
        self.catch_up()
        ticket.ended = asyncio.get_running_loop().create_future()
        ticket.arrived_seconds = self._clock.now()
        self._open[ticket.request] = self._unread[ticket.request] = ticket
        self._idle.clear()
        self._replica.receive(ticket.request, ticket.arrived_seconds)
        if self._outgoing:
            self._outgoing[-1].at = self._replica.half_seconds
        self.catch_up()
        self._wake_in_time()

    def cancel(self, ticket: Ticket) -> None:
        """Forget a request whose client has left; nothing, when it has ended."""
        if self._open.pop(ticket.request, None):
            self._streaming.pop(ticket.request, None)
            if not self._unread.pop(ticket.request, None):
                self.engine.cancel(ticket.request)
            self._tell_if_idle()

    def set_limits(self, limits: Limits) -> Limits:
        """Keep to `limits`, as far as the start allows; return what is in force."""
        in_force = self.engine.set_limits(limits)
        if self._admits_nothing:
            self.engine.scheduler.limits = replace(in_force, max_num_active_seqs=0)
        else:
            self.engine.resume(self._clock.now())
            self._wake_in_time()
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
        loop = asyncio.get_running_loop()
        while True:
            self._alarm, self._alarm_seconds = loop.create_future(), self._next_seconds
            timer = None
            if self._alarm_seconds != NEVER:
                # Overdue or not, what came over the network meanwhile has its turn first.
                timer = loop.call_later(max(0.0, self._alarm_seconds - self._clock.now()), _set, self._alarm)
            await self._alarm
            if timer:
                timer.cancel()
            self.catch_up()

    def catch_up(self) -> None:
        """Let happen what is due, so that what comes next finds the replica as it is now."""
        lag = self._clock.now() - self._next_seconds
        if lag < 0:
            return
        given_up = lag if lag > MAX_LAG_SECONDS else 0.0
        self._clock.give_up(given_up)
        self._observer.lag(lag, given_up)
        now = self._clock.now()
        while (due := self._next_seconds) <= now:
            if self._outgoing and self._outgoing[0].at == due:
                self._hand_out(self._outgoing.popleft())
            elif read := self._replica.take_read():
                self._read(*read)
            else:
                self._advance()

    @property
    def _next_seconds(self) -> float:
        """When something happens next."""
        following = self._replica.next_seconds
        return min(following, self._outgoing[0].at) if self._outgoing else following

    def _wake_in_time(self) -> None:
        if self._next_seconds < self._alarm_seconds and self._alarm:
            _set(self._alarm)

    def _read(self, at: float, request: Request) -> None:
        """Give the engine a request that the API server has read, unless its client has left by now."""
        if self._unread.pop(request, None):
            self.engine.submit(request, at)

    def _advance(self) -> None:
        """End a step; its tokens are on their way."""
        step, at, _ = self._replica.advance()
        self._observer.step(step)
        for request in step.first_tokens:
            if self._open[request].deliver:
                self._streaming[request] = self._open[request]
        delivered = self.engine.scheduler.delivered
        tokens = [(ticket, delivered(request)) for request, ticket in self._streaming.items()]
        for request in step.finished:
            self._streaming.pop(request, None)
        self._outgoing.append(_Outgoing(at, step, tokens))

    def _hand_out(self, outgoing: _Outgoing) -> None:
        for request in outgoing.step.first_tokens:
            if ticket := self._open.get(request):
                ticket.ttft_seconds = outgoing.at - ticket.arrived_seconds
                self._observer.first_token(ticket)
        for ticket, tokens in outgoing.tokens:
            ticket.give(tokens)
        for request in outgoing.step.finished:
            if ticket := self._open.pop(request, None):
                ticket.e2e_seconds = outgoing.at - ticket.arrived_seconds
                self._observer.finished(ticket)
                ticket.end()
        self._tell_if_idle()

    def _tell_if_idle(self) -> None:
        if not self._open:
            self._idle.set()


def _set(alarm: "asyncio.Future[None]") -> None:
    if not alarm.done():
        alarm.set_result(None)
