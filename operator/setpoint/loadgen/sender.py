"""A process that only sends and listens: no measuring, no display, so that neither can delay a request.

Several of them share a load by the numbers of requests or clients. The parent speaks over a pipe: a `Job`
begins a stage, `Order`s ask for what is under way or end it; the sender answers these, and twice a second,
with a `Batch`.
"""

import asyncio
import gc
import os
import pickle
import signal
import time
from array import array
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from itertools import count
from multiprocessing.connection import Connection

import aiohttp

from setpoint.loadgen import descriptors
from setpoint.loadgen.client import Client, Endpoint, new_session
from setpoint.loadgen.plan import ClosedPlan, OpenPlan, Plan, ReplayPlan, Request
from setpoint.loadgen.prompts import Prompts
from setpoint.loadgen.records import TICK_SECONDS, Record

_BATCH_SECONDS = 0.5
_START_SECONDS = 1.0
"""Over which the clients of a closed loop begin one by one, as one burst is no steady load."""
_PRIORITY = -10
PAUSE_AFTER_ERROR_SECONDS = 1.0
"""Before a client of a closed loop tries again, as in the simulator.

An endpoint that refuses at once would else be hammered.
"""


class Order(Enum):
    """What the parent asks for."""

    SNAPSHOT = "tell what is under way"
    STOP = "end the stage"
    QUIT = "end the process"


@dataclass(frozen=True, slots=True)
class Job:
    """The share of one stage that one sender sends."""

    endpoint: Endpoint
    prompts: Prompts
    plan: Plan
    timeout_seconds: float
    start: float
    """When the stage begins, on the monotonic clock that all processes of a machine share."""
    index: int
    """Of this sender."""
    senders: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What a sender has to tell."""

    ended: list[Record]
    """Requests that ended since the last batch."""
    open_since: list[float]
    """The scheduled times of all that have not."""
    under_way: list[Record] | None
    """These, when asked for."""
    at: float
    """Seconds since the stage began."""
    cpu_seconds: float
    """Used by this process so far."""
    lags: "array[float]"
    """By how many seconds each tick since the last batch was missed, as a token that came then would be."""


class _Stage:
    """The requests of one job."""

    def __init__(self, job: Job, session: aiohttp.ClientSession) -> None:
        self._job = job
        self._client = Client(session, job.endpoint, job.timeout_seconds, self._now)
        self._ended: list[Record] = []
        self._open: dict[int, Record] = {}
        self._lags = array("d")

    async def send(self, plan: Plan) -> None:
        """Send until cancelled; what is under way is then left as it is."""
        async with asyncio.TaskGroup() as tasks:
            if isinstance(plan, ClosedPlan):
                for client in range(self._job.index, plan.clients, self._job.senders):
                    begin = _START_SECONDS * client / plan.clients
                    tasks.create_task(self._closed_loop(begin, plan.requests(client)))
            else:
                await self._open_loop(plan, tasks)

    def batch(self, *, snapshot: bool = False) -> Batch:
        """Return what there is to tell since the last time."""
        ended, self._ended = self._ended, []
        lags, self._lags = self._lags, array("d")
        under_way = list(self._open.values())
        open_since = [record.scheduled for record in under_way]
        known = under_way if snapshot else None
        return Batch(ended, open_since, known, self._now(), time.process_time(), lags)

    async def watch_lag(self) -> None:
        """Note at each tick how late this process is, until cancelled.

        A process that hangs sends nothing that could be late, and times what came by when it took it.
        """
        for tick in count():
            await self._until(tick * TICK_SECONDS)
            self._lags.append(self._now() - tick * TICK_SECONDS)

    def _now(self) -> float:
        return time.monotonic() - self._job.start

    async def _until(self, moment: float) -> None:
        await asyncio.sleep(max(0.0, moment - self._now()))

    def _body(self, request: Request) -> bytes:
        prompt = self._job.prompts.text(f"{self._job.start}/{request.number}", request.prompt_tokens)
        return self._job.endpoint.body(prompt, request.output_tokens)

    async def _open_loop(self, plan: OpenPlan | ReplayPlan, tasks: asyncio.TaskGroup) -> None:
        for request in plan.requests():
            if request.number % self._job.senders == self._job.index:
                body = self._body(request)
                await self._until(request.scheduled)
                tasks.create_task(self._ask(request, request.scheduled, body))

    async def _closed_loop(self, begin: float, requests: Iterator[Request]) -> None:
        request = next(requests)
        body = self._body(request)
        await self._until(begin)
        free = begin
        for following in requests:
            asked = asyncio.create_task(self._ask(request, free, body))
            await asyncio.sleep(0)  # so that it is sent before the next body is made
            request, body = following, self._body(following)
            record = await asked
            if record.error:
                await asyncio.sleep(PAUSE_AFTER_ERROR_SECONDS)
            free = self._now()

    async def _ask(self, request: Request, scheduled: float, body: bytes) -> Record:
        record = Record(request.number, scheduled, self._now(), request.output_tokens)
        self._open[request.number] = record
        await self._client.ask(body, record)
        del self._open[request.number]
        self._ended.append(record)
        return record


def run(connection: Connection) -> None:
    """Serve the parent until it is gone or says so; the main function of the process."""
    for number in (signal.SIGINT, signal.SIGTERM):  # the parent's, which ends the stage and asks for the rest
        signal.signal(number, signal.SIG_IGN)
    with suppress(PermissionError):  # root may: what else runs on a shared machine then delays few requests
        os.setpriority(os.PRIO_PROCESS, 0, _PRIORITY)
    descriptors.take_all()
    asyncio.run(_serve(connection))


async def _serve(connection: Connection) -> None:
    received: asyncio.Queue[Job | Order] = asyncio.Queue()

    def receive() -> None:
        try:
            received.put_nowait(connection.recv())
        except (EOFError, OSError):
            asyncio.get_running_loop().remove_reader(connection.fileno())
            received.put_nowait(Order.QUIT)

    asyncio.get_running_loop().add_reader(connection.fileno(), receive)
    connection.send("ready")
    with ThreadPoolExecutor(1) as pipe:
        async with new_session() as session:
            while isinstance(job := await received.get(), Job):
                await _hold(job, _Stage(job, session), received, pipe, connection)


async def _hold(
    job: Job,
    stage: _Stage,
    received: "asyncio.Queue[Job | Order]",
    pipe: ThreadPoolExecutor,
    connection: Connection,
) -> None:
    """Hold the load of one job until the order to stop."""

    async def tell(batch: Batch) -> None:
        # Made here, as records change; written by a thread, as a full pipe would stop the loop.
        await asyncio.get_running_loop().run_in_executor(pipe, connection.send_bytes, pickle.dumps(batch))

    gc.collect()
    gc.freeze()  # so that a later collection looks at little, and delays no request
    sending, watching = asyncio.create_task(stage.send(job.plan)), asyncio.create_task(stage.watch_lag())
    order: Job | Order | None = None
    while order is None or order is Order.SNAPSHOT:
        try:
            order = await asyncio.wait_for(received.get(), _BATCH_SECONDS)
        except TimeoutError:
            order = None
        if sending.done():
            sending.result()  # raises what went wrong; a trace may just be over
        if order is None or order is Order.SNAPSHOT:
            await tell(stage.batch(snapshot=order is Order.SNAPSHOT))
    sending.cancel()
    watching.cancel()
    await asyncio.wait([sending, watching])
    if not sending.cancelled():
        sending.result()
    await tell(stage.batch(snapshot=True))
