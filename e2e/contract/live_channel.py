"""The live channel: what the limits files do to a running engine, and the verdicts that it counts.

The tests: a test module subclasses `LiveChannelContract` and gives it a fixture `channel`, which names a
running server and can write its limits file. The server must have been started with --max-num-seqs=16,
--max-num-batched-tokens=1024 and --max-model-len=512, and with the file `FIRST`.
"""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession, ClientTimeout, TCPConnector

from e2e.contract.client import Client, Engine, Reply, Samples, by_labels

CLIENTS = 24
WAIT_SECONDS = 150.0
"""A change of a pod that its kubelet's volume manager misses, for having listed the pods a moment before, is
in the pod's files only after the next periodic sync, 60 to 90 s later (1.37: pkg/kubelet/pod_workers.go,
volumemanager/populator)."""
WATCH_SECONDS = 1.5
PROMPT, TOKENS = "baba " * 32, 40

REQUESTS = "setpoint_requests_total"
"""The counter of verdicts on requests; its labels' values are reason and verdict."""

_generations = itertools.count(int(time.time()))


def limits_file(limits: dict[str, int], **changes: Any) -> str:
    """A limits file, of a higher generation than every one before."""
    content: dict[str, Any] = {
        "generation": next(_generations), "writer": "contract", "limits": limits, "objectives": []
    }  # fmt: skip
    return json.dumps(content | changes)


FIRST = limits_file({"seqs": 3, "tokens": 256})
"""What the server is started with."""


@dataclass
class Channel:
    """A server under test, and the way to its limits file."""

    engine: Engine
    write: Callable[[str], None]


@dataclass
class Watcher:
    """Asks a server, and sees what it does."""

    client: Client
    channel: Channel
    replies: list[Reply] = field(default_factory=list)

    def want(self, limits: dict[str, int], **changes: Any) -> None:
        """Write the limits file."""
        self.channel.write(limits_file(limits, **changes))

    async def samples(self) -> Samples:
        """The server's samples."""
        return by_labels(await self.client.metrics())

    async def wait(self, limit: str, value: float) -> None:
        """Wait until a limit is in force."""
        await self.wait_until(f"{limit} is {value}", lambda samples: in_force(samples, limit) == value)

    async def watched(self) -> list[Samples]:
        """The samples again and again, for a while in which the server looks at its files."""
        found, end = [], time.monotonic() + WATCH_SECONDS
        while time.monotonic() < end:
            found.append(await self.samples())
            await asyncio.sleep(0.05)
        return found

    async def stays(self, limit: str, value: float) -> None:
        """See that a limit does not change for a while."""
        assert {in_force(samples, limit) for samples in await self.watched()} == {value}

    async def wait_until(self, what: str, holds: Callable[[Samples], bool]) -> None:
        """Wait until the samples show something."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not holds(await self.samples()):
            assert time.monotonic() < deadline, f"not in time: {what}"
            await asyncio.sleep(0.1)

    async def wait_until_run(self, sequences: int) -> None:
        """Wait until no more than these run, and then until as many do."""
        await self.wait_until(f"not over {sequences} run", lambda samples: running(samples) <= sequences)
        await self.wait_until(f"{sequences} run", lambda samples: running(samples) == sequences)

    async def most_running(self) -> float:
        """The most requests that run at once while we look."""
        return max(map(running, await self.watched()))

    async def verdicts(self) -> Samples:
        """The counters of requests by reason and verdict, and those of latencies by objective and verdict."""
        names = {REQUESTS, "setpoint_tokens_total"}
        return {key: value for key, value in (await self.samples()).items() if key[0] in names}

    async def promise(self, threshold: float) -> None:
        """Have an objective of each kind in force, with this threshold in seconds."""
        metrics = ("TimeToFirstToken", "InterTokenLatency")
        objectives = [{"name": each, "metric": each, "threshold": threshold} for each in metrics]
        self.want({"seqs": 15}, objectives=objectives)
        await self.wait("seqs", 15)

    async def verdicts_on(self, *asked: Awaitable[Reply]) -> Samples:
        """The verdicts that came while these requests were answered."""
        before = await self.verdicts()
        await asyncio.gather(*asked)
        after = await self.verdicts()
        came = {key: value - before.get(key, 0.0) for key, value in after.items()}
        return {key: value for key, value in came.items() if value}

    async def verdicts_on_leaving(self) -> dict[str, float]:
        """How many requests got each verdict by one whose client left."""
        before = await self.verdicts()

        def came(samples: Samples) -> dict[str, float]:
            grown = {key[-1]: samples[key] - value for key, value in before.items() if key[0] == REQUESTS}
            return {verdict: value for verdict, value in grown.items() if value}

        await self.client.leave()
        await self.wait_until("it has a verdict", lambda samples: bool(came(samples)))
        return came(await self.samples())

    async def complete(self, **body: Any) -> Reply:
        """A whole completion."""
        whole = {
            "model": self.channel.engine.model, "prompt": PROMPT, "max_tokens": TOKENS, "ignore_eos": True
        }  # fmt: skip
        reply = await self.client.post("/v1/completions", whole | body)
        self.replies.append(reply)
        return reply

    async def text(self) -> str:
        """The text of a completion that leaves nothing to chance."""
        text: str = (await self.complete(temperature=0)).json["choices"][0]["text"]
        return text

    @asynccontextmanager
    async def load(self) -> AsyncIterator[None]:
        """More clients than the server may run at once, each asking again and again."""

        async def ask() -> None:
            while True:
                await self.complete(stream=True)

        async with asyncio.TaskGroup() as clients:
            tasks = [clients.create_task(ask()) for _ in range(CLIENTS)]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()


def in_force(samples: Samples, limit: str) -> float:
    """A limit of rank 0."""
    return samples["setpoint_engine_limit", "0", limit]


def running(samples: Samples) -> float:
    """How many requests run, in all ranks."""
    return _total(samples, "vllm:num_requests_running")


def waiting(samples: Samples) -> float:
    """How many requests wait, in all ranks."""
    return _total(samples, "vllm:num_requests_waiting")


def _total(samples: Samples, name: str) -> float:
    return sum(value for key, value in samples.items() if key[0] == name)


def totals(samples: Samples) -> dict[str, float]:
    """Steps, their seconds and their tokens, of rank 0."""
    found = {"steps": 0.0, "seconds": 0.0, "tokens": 0.0}
    for key, value in samples.items():
        if key[0] == "setpoint_engine_step_totals":
            found[key[-2]] += value
    return found


def at_start(samples: Samples) -> bool:
    """Whether every limit of every rank is what the engine was started with."""
    starts = [key[1:] for key in samples if key[0] == "setpoint_engine_limit_start"]
    limit, start = "setpoint_engine_limit", "setpoint_engine_limit_start"
    return all(samples[limit, *each] == samples[start, *each] for each in starts)


class WithWatcher:
    """Tests that watch a server. Subclasses define the fixture `channel`."""

    @pytest_asyncio.fixture
    async def watcher(self, channel: Channel) -> AsyncIterator[Watcher]:
        """A watcher of the server under test, which has its start values again at the end."""
        session = ClientSession(connector=TCPConnector(limit=0), timeout=ClientTimeout(total=120))
        async with session:
            watcher = Watcher(Client(channel.engine, session), channel)
            yield watcher
            watcher.want({})
            await watcher.wait_until("start values", at_start)
            await watcher.wait_until(
                "all is answered", lambda samples: running(samples) + waiting(samples) == 0
            )


class LiveChannelContract(WithWatcher):
    """The tests."""

    async def test_the_first_answer_comes_within_the_limits_of_the_file(self, watcher: Watcher) -> None:
        # First of the class: nothing was written since the start.
        samples = await watcher.samples()
        assert in_force(samples, "seqs") == 3
        assert in_force(samples, "tokens") == 256
        assert samples["setpoint_engine_limit_start", "0", "seqs"] == 16
        assert samples["setpoint_engine_limit_start", "0", "tokens"] == 1024
        assert samples["setpoint_engine_limit_generation", "0", "contract"] == json.loads(FIRST)["generation"]
        assert samples["setpoint_engine_limits_supported",] == 1

    async def test_sequences_move_down_and_up_under_load_without_an_error(self, watcher: Watcher) -> None:
        async with watcher.load():
            for sequences in (16, 4, 12, 1, 16):
                watcher.want({"seqs": sequences})
                await watcher.wait("seqs", sequences)
                await watcher.wait_until_run(sequences)
                assert await watcher.most_running() <= sequences
        assert {reply.status for reply in watcher.replies} == {200}

    async def test_the_text_is_the_same_at_every_limit(self, watcher: Watcher) -> None:
        whole = await watcher.text()
        watcher.want({"seqs": 1, "tokens": 16})
        await watcher.wait("tokens", 16)
        assert await watcher.text() == whole

    async def test_a_limit_is_never_looser_than_the_start(self, watcher: Watcher) -> None:
        watcher.want({"seqs": 999, "tokens": 128})
        await watcher.wait("tokens", 128)
        assert in_force(await watcher.samples(), "seqs") == 16
        watcher.want({"seqs": 8, "tokens": 99_999})
        await watcher.wait("seqs", 8)
        assert in_force(await watcher.samples(), "tokens") == 1024

    async def test_no_running_sequence_is_left_without_a_token(self, watcher: Watcher) -> None:
        watcher.want({"tokens": 1})
        await watcher.wait("tokens", 16)
        async with watcher.load():
            await watcher.most_running()
            assert in_force(await watcher.samples(), "tokens") == 16

    @pytest.mark.parametrize("garbage", ["", "{", "[]", '{"generation": 9e99, "limits": {}}', "[" * 9999])
    async def test_garbage_keeps_the_last_good_value(self, watcher: Watcher, garbage: str) -> None:
        watcher.want({"seqs": 5})
        await watcher.wait("seqs", 5)
        watcher.channel.write(garbage)
        await watcher.stays("seqs", 5)

    async def test_an_older_generation_changes_nothing(self, watcher: Watcher) -> None:
        watcher.want({"seqs": 5})
        await watcher.wait("seqs", 5)
        watcher.want({"seqs": 9}, generation=1)
        await watcher.stays("seqs", 5)

    async def test_a_lease_that_ran_out_gives_the_start_values_back_in_steps(self, watcher: Watcher) -> None:
        watcher.want({"seqs": 2}, expires=time.time() + 2)
        await watcher.wait("seqs", 2)
        await watcher.wait("seqs", 4)
        watcher.want({"seqs": 2}, expires=time.time() - 1000)
        await watcher.wait("seqs", 16)

    @pytest.mark.parametrize(("limit", "value"), [("queuedReqs", 6), ("queuedTokens", 64)])
    async def test_what_is_beyond_a_queue_limit_is_shed_and_counted(
        self, watcher: Watcher, limit: str, value: int
    ) -> None:
        watcher.want({limit: value, "seqs": 2})
        await watcher.wait(limit, value)
        before = await watcher.verdicts()
        replies = await asyncio.gather(*(watcher.complete() for _ in range(CLIENTS)))
        shed = [reply for reply in replies if reply.status == 503]
        assert shed
        assert {reply.status for reply in replies} == {200, 503}
        assert all(reply.headers["Retry-After"] == "1" for reply in shed)
        after = await watcher.verdicts()
        key = (REQUESTS, "shed", "bad")
        assert after[key] - before[key] == len(shed)
        watcher.want({})
        await watcher.wait("seqs", 16)
        assert (await watcher.complete()).status == 200

    @pytest.mark.parametrize(
        ("threshold", "verdict", "reason"), [(600, "good", ""), (0, "bad", "late")], ids=["kept", "late"]
    )
    async def test_each_sequence_and_latency_gets_one_verdict(
        self, watcher: Watcher, threshold: float, verdict: str, reason: str
    ) -> None:
        await watcher.promise(threshold)
        asked = [watcher.complete(stream=each % 2 == 0) for each in range(8)]
        assert await watcher.verdicts_on(*asked) == {
            (REQUESTS, reason, verdict): 8,
            ("setpoint_tokens_total", "InterTokenLatency", verdict): 8 * (TOKENS - 1),
            ("setpoint_tokens_total", "TimeToFirstToken", verdict): 8,
        }

    async def test_a_client_that_leaves_is_told_apart(self, watcher: Watcher) -> None:
        async with asyncio.timeout(2 * WAIT_SECONDS):
            while "cut" not in (found := await watcher.verdicts_on_leaving()):
                # A quick engine may be done before it hears that its client left.
                assert found == {"good": 1}
        assert found == {"cut": 1}

    async def test_steps_are_counted_with_their_seconds_and_tokens(self, watcher: Watcher) -> None:
        before = totals(await watcher.samples())
        await asyncio.gather(*(watcher.complete() for _ in range(8)))
        expected = before["tokens"] + 8 * (TOKENS - 1)
        # A rank tells its steps with its limits, again and again.
        await watcher.wait_until("steps are told", lambda samples: totals(samples)["tokens"] >= expected)
        after = totals(await watcher.samples())
        steps, seconds = after["steps"] - before["steps"], after["seconds"] - before["seconds"]
        assert steps >= TOKENS - 1
        assert 0 < seconds / steps < 1

    async def test_a_wrong_request_gets_no_verdict(self, watcher: Watcher) -> None:
        before = await watcher.verdicts()
        assert (await watcher.complete(model="nobody")).status == 404
        assert await watcher.verdicts() == before
