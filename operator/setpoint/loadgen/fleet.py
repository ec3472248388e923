"""The sender processes, as their parent sees them: one load at a time, and everything they tell.

A sender that dies takes what it had under way with it; one that hangs is ended. What it told before stays,
and the others go on.
"""

import multiprocessing
import os
import signal
import time
from array import array
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import TracebackType
from typing import Any, Self, cast

from setpoint.loadgen import sender
from setpoint.loadgen.client import Endpoint
from setpoint.loadgen.plan import Plan
from setpoint.loadgen.prompts import Prompts
from setpoint.loadgen.records import Record
from setpoint.loadgen.sender import Batch, Job, Order

_MOST_SENDERS = 4
_LEAD_SECONDS = 0.3
"""From the order to the beginning of a stage, so that no sender begins late."""
_END_SECONDS = 5.0
_MOST_SILENCE_SECONDS = 10.0
"""A sender tells something twice a second: one that is listened to in vain for so long hangs."""


def sender_count() -> int:
    """Return how many processes to send from: a core is left for the parent, and for others."""
    return max(1, min(_MOST_SENDERS, len(os.sched_getaffinity(0)) - 1))


@dataclass(slots=True)
class Told:
    """What the senders have told of the stage under way."""

    ended: list[Record] = field(default_factory=list)
    open_since: list[list[float]] = field(default_factory=list)
    """By sender: the scheduled times of what has not ended."""
    cpu: list[list[tuple[float, float]]] = field(default_factory=list)
    """By sender: CPU seconds used, at seconds since the stage began."""
    lags: "list[array[float]]" = field(default_factory=list)
    """By sender: how late it was at each tick since the stage began, in seconds."""


class Fleet:
    """Starts the senders; as a context manager it ends them."""

    def __init__(self, senders: int, endpoint: Endpoint, prompts: Prompts, timeout_seconds: float) -> None:
        self._endpoint, self._prompts, self._timeout_seconds = endpoint, prompts, timeout_seconds
        self._connections: dict[Connection, int] = {}
        """To the senders that live, each with its number."""
        self._silence_seconds: dict[Connection, float] = {}
        """For how long each was listened to in vain; not while this process itself stood still."""
        self._processes: list[SpawnProcess] = []
        self.deaths: list[str] = []
        """Which senders died and by what, a sentence each."""
        self.told = Told()
        self._start = 0.0
        try:
            for _ in range(senders):
                self._start_sender()
            for connection in list(self._connections):
                self._receive(connection)  # that it is ready
        except BaseException:  # an interruption: no sender is left behind
            self._close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def begin(self, plan: Plan) -> None:
        """Begin a stage."""
        senders = len(self._processes)
        self.told = Told(
            open_since=[[] for _ in range(senders)],
            cpu=[[] for _ in range(senders)],
            lags=[array("d") for _ in range(senders)],
        )
        self._silence_seconds = dict.fromkeys(self._connections, 0.0)
        self._start = time.monotonic() + _LEAD_SECONDS
        for connection, index in list(self._connections.items()):
            job = Job(
                self._endpoint,
                self._prompts,
                plan,
                self._timeout_seconds,
                self._start,
                index,
                senders,
            )
            self._send(connection, job)

    def now(self) -> float:
        """Return the seconds since the stage began."""
        return time.monotonic() - self._start

    def listen(self, seconds: float) -> None:
        """Take what is told until so many seconds have passed."""
        for each in self._connections:
            self._silence_seconds[each] += seconds
        end = time.monotonic() + seconds
        while ready := wait(self._connections, max(0.0, end - time.monotonic())):
            for connection in ready:
                self._take(cast("Connection", connection))
        for connection in list(self._connections):
            if self._silence_seconds[connection] > _MOST_SILENCE_SECONDS:
                self._end(connection)

    def snapshot(self) -> list[Record]:
        """Return all records so far, with those of requests under way."""
        return self._ask(Order.SNAPSHOT)

    def stop(self) -> list[Record]:
        """End the stage and return all its records; what was under way is cancelled and has no end."""
        return self._ask(Order.STOP)

    def _start_sender(self) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=sender.run, args=(theirs,), daemon=True)
        process.start()
        theirs.close()
        self._connections[ours] = len(self._processes)
        self._processes.append(process)

    def _close(self) -> None:
        for connection in self._connections:
            connection.close()
        for process in self._processes:
            process.join(_END_SECONDS)
            if process.is_alive():
                process.kill()

    def _ask(self, order: Order) -> list[Record]:
        for connection in list(self._connections):
            self._send(connection, order)
        under_way: list[Record] = []
        for connection in list(self._connections):
            while connection in self._connections:
                if not connection.poll(_MOST_SILENCE_SECONDS):
                    self._end(connection)
                elif (batch := self._take(connection)) and batch.under_way is not None:
                    under_way += batch.under_way
                    break
        return [*self.told.ended, *under_way]

    def _take(self, connection: Connection) -> Batch | None:
        """Take one batch; None from a sender that is gone."""
        index = self._connections[connection]
        batch: Batch | None = self._receive(connection)
        if batch:
            self.told.ended += batch.ended
            self.told.open_since[index] = batch.open_since
            self.told.cpu[index].append((batch.at, batch.cpu_seconds))
            self.told.lags[index].extend(batch.lags)
            self._silence_seconds[connection] = 0.0
        return batch

    def _send(self, connection: Connection, what: Job | Order) -> None:
        with suppress(OSError):  # it is gone: what it told before can still be read, and then its end
            connection.send(what)

    def _receive(self, connection: Connection) -> Any:
        """Return what a sender says; None when it is gone."""
        try:
            return connection.recv()
        except (EOFError, OSError):
            self._bury(connection)
            return None

    def _end(self, connection: Connection) -> None:
        """End a sender that hangs."""
        self._processes[self._connections[connection]].kill()
        self._bury(connection, f"hung, with no word for {_MOST_SILENCE_SECONDS:g} s, and was ended")

    def _bury(self, connection: Connection, fate: str | None = None) -> None:
        index = self._connections.pop(connection)
        connection.close()
        process = self._processes[index]
        process.join(_END_SECONDS)
        code = process.exitcode or 0
        how = signal.strsignal(-code) if code < 0 else f"exit status {code}"
        which = f"sender process {index + 1} of {len(self._processes)}"
        self.deaths.append(f"{which} {fate or f'died ({how})'}: what it had under way is lost")
