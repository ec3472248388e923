"""The sender processes, as their parent sees them: one load at a time, and everything they tell."""

import multiprocessing
import os
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
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


class Fleet:
    """Starts the senders; as a context manager it ends them."""

    def __init__(self, senders: int, endpoint: Endpoint, prompts: Prompts, timeout_seconds: float) -> None:
        self._endpoint, self._prompts, self._timeout_seconds = endpoint, prompts, timeout_seconds
        self._connections: list[Connection] = []
        self._processes = []
        context = multiprocessing.get_context("spawn")
        for _ in range(senders):
            ours, theirs = context.Pipe()
            process = context.Process(target=sender.run, args=(theirs,), daemon=True)
            process.start()
            theirs.close()
            self._connections.append(ours)
            self._processes.append(process)
        for index in range(senders):
            self._receive(index)  # that it is ready
        self.told = Told()
        self._start = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for connection in self._connections:
            connection.close()
        for process in self._processes:
            process.join(_END_SECONDS)
            if process.is_alive():
                process.kill()

    def begin(self, plan: Plan) -> None:
        """Begin a stage."""
        senders = len(self._connections)
        self.told = Told(open_since=[[] for _ in range(senders)], cpu=[[] for _ in range(senders)])
        self._start = time.monotonic() + _LEAD_SECONDS
        for index, connection in enumerate(self._connections):
            connection.send(
                Job(
                    self._endpoint,
                    self._prompts,
                    plan,
                    self._timeout_seconds,
                    self._start,
                    index,
                    senders,
                )
            )

    def now(self) -> float:
        """Return the seconds since the stage began."""
        return time.monotonic() - self._start

    def listen(self, seconds: float) -> None:
        """Take what is told until so many seconds have passed."""
        end = time.monotonic() + seconds
        while ready := wait(self._connections, max(0.0, end - time.monotonic())):
            for connection in ready:
                self._take(cast("Connection", connection))

    def snapshot(self) -> list[Record]:
        """Return all records so far, with those of requests under way."""
        return self._ask(Order.SNAPSHOT)

    def stop(self) -> list[Record]:
        """End the stage and return all its records; what was under way is cancelled and has no end."""
        return self._ask(Order.STOP)

    def _ask(self, order: Order) -> list[Record]:
        for connection in self._connections:
            connection.send(order)
        under_way: list[Record] = []
        for connection in self._connections:
            while (batch := self._take(connection)).under_way is None:
                pass
            under_way += batch.under_way
        return [*self.told.ended, *under_way]

    def _take(self, connection: Connection) -> Batch:
        """Take one batch."""
        index = self._connections.index(connection)
        batch: Batch = self._receive(index)
        self.told.ended += batch.ended
        self.told.open_since[index] = batch.open_since
        self.told.cpu[index].append((batch.at, batch.cpu_seconds))
        return batch

    def _receive(self, index: int) -> Any:
        """Return what a sender says. Raises RuntimeError when it is gone."""
        try:
            return self._connections[index].recv()
        except (EOFError, OSError):
            raise RuntimeError(f"sender process {index} ended: see its error above") from None
