"""A whole server in this process, over HTTP: what steers it while it runs, and what it counts."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession, TCPConnector, web
from prometheus_client.parser import text_string_to_metric_families

from setpoint.simulator.http import command_line, live_limits
from setpoint.simulator.http.load import load
from setpoint.simulator.http.server import Server
from setpoint.simulator.http.settings import Settings


class Client:
    """Asks one server."""

    def __init__(self, session: ClientSession) -> None:
        self.session = session

    async def complete(self, tokens: int = 3, **body: Any) -> tuple[int, dict[str, str], str]:
        """A completion; status, headers and text."""
        async with self.stream(tokens, stream=False, **body) as response:
            return response.status, dict(response.headers), await response.text()

    @asynccontextmanager
    async def stream(self, tokens: int, **body: Any) -> AsyncIterator[ClientResponse]:
        """A completion that streams."""
        sent = {"prompt": "baba", "max_tokens": tokens, "ignore_eos": True, "stream": True} | body
        async with self.session.post("/v1/completions", json=sent) as response:
            yield response

    async def value(self, name: str, **labels: str) -> float | None:
        """A sample of /metrics; None where there is none, or no answer."""
        async with self.session.get("/metrics") as response:
            text = await response.text()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == name and sample.labels.items() >= labels.items():
                    return sample.value
        return None

    async def until(self, expected: float | None, name: str, **labels: str) -> None:
        """Wait for a sample's value."""
        async with asyncio.timeout(10):
            while await self.value(name, **labels) != expected:  # noqa: ASYNC110 - it is another program's
                await asyncio.sleep(0.01)


Serve = Callable[..., Awaitable[Client]]


@pytest.fixture
async def serve(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Serve]:
    """Starts a server with these options and variables."""
    monkeypatch.setattr(live_limits, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr("setpoint.simulator.http.fault_control.LOOK_SECONDS", 0.01)
    ends: list[Callable[[], Awaitable[object]]] = []

    async def start(*options: str, **environment: str) -> Client:
        arguments = command_line.parse(["serve", str(folder), "--served-model-name=tiny", *options], {})
        settings = Settings.from_environment({"SETPOINT_SIMULATOR_START_SECONDS": "0"} | environment)
        server = Server(arguments, settings, await load(arguments, settings))
        running = asyncio.create_task(server.run())
        runner = web.AppRunner(server.application, handler_cancellation=True, shutdown_timeout=1.0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        session = ClientSession(
            f"http://127.0.0.1:{runner.addresses[0][1]}", connector=TCPConnector(force_close=True)
        )

        async def end() -> None:
            await session.close()
            await runner.cleanup()
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

        ends.append(end)
        return Client(session)

    yield start
    for end in ends:
        await end()


def limits_file(path: Path, generation: int, **content: Any) -> Path:
    """Write a limits file."""
    path.write_text(json.dumps({"generation": generation, "writer": "w", "limits": {}} | content))
    return path


async def test_limits_are_in_force_at_the_first_answer_and_follow_the_file(
    serve: Serve, tmp_path: Path
) -> None:
    path = limits_file(tmp_path / "limits", 1, limits={"seqs": 4, "tokens": 64})
    client = await serve("--max-num-seqs=16", SETPOINT_LIMITS_FILE=str(path))
    assert await client.value("setpoint_engine_limit", limit="seqs") == 4
    assert await client.value("setpoint_engine_limit", limit="tokens") == 64
    limits_file(path, 2, limits={"seqs": 2, "tokens": 1})
    await client.until(2, "setpoint_engine_limit_generation", engine="0", writer="w")
    assert await client.value("setpoint_engine_limit", limit="seqs") == 2
    assert await client.value("setpoint_engine_limit", limit="tokens") == 2, "a token for each sequence"


async def test_a_lowered_limit_lets_fewer_run_and_preempts_nobody(serve: Serve, tmp_path: Path) -> None:
    path = limits_file(tmp_path / "limits", 1)
    client = await serve(
        "--max-num-seqs=4", SETPOINT_LIMITS_FILE=str(path), SETPOINT_SIMULATOR_TIME_SCALE="5"
    )
    answers = [asyncio.create_task(client.complete(60)) for _ in range(8)]
    await client.until(4, "vllm:num_requests_running")
    limits_file(path, 2, limits={"seqs": 1})
    await client.until(1, "vllm:num_requests_running")
    assert await client.value("vllm:num_preemptions_total") == 0
    limits_file(path, 3)
    assert {status for status, _, _ in await asyncio.gather(*answers)} == {200}


async def test_what_the_file_sheds_is_told_when_to_come_again_and_is_bad(
    serve: Serve, tmp_path: Path
) -> None:
    path = limits_file(tmp_path / "limits", 1, limits={"queuedReqs": 1})
    client = await serve(SETPOINT_LIMITS_FILE=str(path))
    async with client.stream(4000):
        await client.until(1, "vllm:num_requests_running")
        status, headers, text = await client.complete()
    assert (status, headers["Retry-After"]) == (503, "1")
    assert "busy" in text
    assert await client.value("setpoint_requests_total", verdict="bad", reason="shed") == 1
    assert await client.value("vllm:admission_rejections_total", reason="max_num_queued_reqs") == 0


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("--max-num-queued-reqs=1", "max_num_queued_reqs"),
        ("--max-num-queued-tokens=0", "max_num_queued_tokens"),
    ],
)
async def test_what_vllm_s_own_limit_refuses_is_counted_by_vllm(
    serve: Serve, option: str, reason: str
) -> None:
    client = await serve(option)
    async with client.stream(4000):
        status, headers, _ = await client.complete()
    assert (status, "Retry-After" in headers) == (503, False)
    assert await client.value("vllm:admission_rejections_total", reason=reason)


async def test_a_client_that_leaves_is_cut_and_makes_room(serve: Serve) -> None:
    client = await serve("--max-num-seqs=1")
    async with client.stream(4000) as response:
        await response.content.readuntil(b"\n\n")
    await client.until(0, "vllm:num_requests_running")
    assert (await client.complete())[0] == 200
    assert await client.value("setpoint_requests_total", verdict="cut", reason="") == 1
    assert await client.value("setpoint_requests_total", verdict="good", reason="") == 1
    assert await client.value("vllm:request_success_total", finished_reason="length") == 1


async def test_a_hung_engine_is_healthy_and_admits_nothing_until_the_fault_ends(
    serve: Serve, tmp_path: Path
) -> None:
    faults = tmp_path / "faults"
    faults.write_text("hang")
    client = await serve(SETPOINT_SIMULATOR_FAULTS_FILE=str(faults))
    answer = asyncio.create_task(client.complete())
    await client.until(1, "vllm:num_requests_waiting")
    async with client.session.get("/health") as health:
        assert health.status == 200
    assert await client.value("vllm:num_requests_running") == 0
    assert not answer.done()
    faults.write_text("")
    assert (await answer)[0] == 200


async def test_metrics_can_be_refused(serve: Serve) -> None:
    client = await serve(SETPOINT_SIMULATOR_FAULTS="metrics-refused")
    async with client.session.get("/metrics") as response:
        assert response.status == 503


async def test_an_answer_that_the_model_ends_counts_as_stopped(serve: Serve) -> None:
    client = await serve(SETPOINT_SIMULATOR_ANSWER_TOKENS="5")
    _, _, text = await client.complete(9, ignore_eos=False)
    assert json.loads(text)["usage"]["completion_tokens"] == 5
    assert await client.value("vllm:request_success_total", finished_reason="stop") == 1


async def test_requests_are_counted_by_handler_and_status(serve: Serve) -> None:
    client = await serve()
    await client.complete()
    await client.complete(model="nope")
    await client.session.get("/nothing")
    for handler, status in (("/v1/completions", "2xx"), ("/v1/completions", "4xx"), ("none", "4xx")):
        assert await client.value("http_requests_total", handler=handler, status=status) == 1


async def test_a_client_that_does_not_read_keeps_nobody_waiting(serve: Serve) -> None:
    client = await serve(SETPOINT_SIMULATOR_TIME_SCALE="0.01")
    async with client.stream(4000, prompt="bebe"):
        status, _, text = await client.complete(50)
        assert status == 200
        assert json.loads(text)["usage"]["completion_tokens"] == 50
