"""Virtual time: clients and replicas, from one event to the next, at the pace of the machine."""

from collections.abc import Callable, Iterable, Sequence
from heapq import heapify, heappop, heappush
from itertools import count

from setpoint.simulator.engine import NEVER, Shed
from setpoint.simulator.limits import TooLongError
from setpoint.simulator.record import Outcome, Record
from setpoint.simulator.replica import Replica
from setpoint.simulator.request import Request
from setpoint.simulator.router import Router, round_robin

Sent = tuple[float, Request]
"""When a client sends a request, and the request."""

RETRY_SECONDS = 1.0
"""A client that was refused sends its next request so much later."""


class Play:
    """Replicas behind a router, and their clients; the clock begins at 0 seconds."""

    def __init__(
        self,
        replicas: Sequence[Replica],
        network_seconds: float,
        router: Router | None = None,
        next_of: Callable[[Request, float], Sent | None] = lambda *_: None,
    ) -> None:
        """`next_of` returns what the client of a request sends when that has ended at that time."""
        self.record = Record()
        self._replicas = replicas
        self._all_ready_seconds = max(each.engine.ready_seconds for each in replicas)
        self._network_seconds = network_seconds
        self._router = router or round_robin()
        self._next_of = next_of
        self._arriving: list[tuple[float, int, Request]] = []
        self._arrived = 0
        self._numbers = count()

    def send(self, requests: Iterable[Sent]) -> None:
        """Let requests be sent at the times given, which are still to come."""
        self._arriving += [self._arrival(*sent) for sent in requests]
        heapify(self._arriving)

    def forget_unsent(self) -> None:
        """Let nothing more be sent of what is still to come."""
        self._arriving.clear()

    def outcome(self, now: float) -> Outcome:
        """Return what became of the requests sent before `now`, when the play has come to it."""
        on_their_way = sum(request.sent_seconds < now for _, _, request in self._arriving)
        return self.record.outcome(self._arrived + on_their_way, now)

    def run_until(self, end: float) -> None:
        """Let everything happen that happens before `end`."""
        arriving, replicas, record = self._arriving, self._replicas, self.record
        replica = replicas[0]
        while True:
            if len(replicas) > 1:
                replica = min(replicas, key=lambda each: each.next_seconds)
            following = replica.next_seconds
            arrival = arriving[0][0] if arriving else NEVER
            if arrival <= following:
                if arrival >= end:
                    break
                self._route(*heappop(arriving))
            elif following >= end:
                break
            elif (read := replica.take_read()) is not None:
                self._submit(replica, *read)
            else:
                record.gap(replica.handed_out())
                step, half, out = replica.advance()
                record.step(step, half, out)
                for request in step.finished:
                    self._send_next(request, out)

        for replica in replicas:
            record.gap(replica.handed_out())

    def _route(self, now: float, _: int, request: Request) -> None:
        self._arrived += 1
        replicas = self._replicas
        if now < self._all_ready_seconds:
            replicas = [each for each in replicas if each.engine.ready_seconds <= now]
        if len(replicas) == 1:
            replicas[0].receive(request, now)
        elif replicas:
            self._router(replicas, request).receive(request, now)
        else:
            self._shed(request, now, "not_ready")

    def _submit(self, replica: Replica, now: float, request: Request) -> None:
        try:
            replica.engine.submit(request, now)
        except Shed as shed:
            self._shed(request, now, str(shed))
        except TooLongError:
            self.record.too_long.append(now)
            self._send_next(request, now + RETRY_SECONDS)

    def _shed(self, request: Request, now: float, reason: str) -> None:
        self.record.shed.append((now, reason))
        self._send_next(request, now + RETRY_SECONDS)

    def _send_next(self, request: Request, now: float) -> None:
        following = self._next_of(request, now)
        if following is not None:
            heappush(self._arriving, self._arrival(*following))

    def _arrival(self, seconds: float, request: Request) -> tuple[float, int, Request]:
        request.sent_seconds = seconds
        return seconds + self._network_seconds, next(self._numbers), request
