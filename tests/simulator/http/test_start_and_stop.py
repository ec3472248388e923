"""The simulator as a process: what ends it, what it loads, how it drains and dies."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from e2e.fakes.hub import model
from e2e.fakes.hub.server import Hub, Repository
from tests.simulator.http.server import Server, argv_of, ended, serve

pytestmark = pytest.mark.watched

TOKENS = 400
BODY = {"prompt": "baba", "max_tokens": TOKENS, "stream": True, "ignore_eos": True}


def test_logs_its_command_line(folder: Path) -> None:
    arguments = ["serve", str(folder), "--max-num-seqs=0", "--enable_prefix_caching"]
    code, log = ended(*arguments)
    assert code == 1
    assert argv_of(log) == arguments


def test_refuses_connections_until_the_model_is_loaded(folder: Path) -> None:
    with serve(str(folder), SETPOINT_SIMULATOR_START_SECONDS="1") as server:
        assert not server.healthy()
        server.wait_until_healthy()


def test_sigterm_ends_it_while_it_loads(folder: Path) -> None:
    with serve(str(folder), SETPOINT_SIMULATOR_START_SECONDS="600") as server:
        line = server.process.stdout.readline() if server.process.stdout else ""
        assert line.startswith('{"argv"')
        server.process.terminate()
        assert server.process.wait(timeout=20) in {0, -signal.SIGTERM}


@asynccontextmanager
async def hub() -> AsyncIterator[str]:
    """A Hub with the tiny model, gated, in this process; its endpoint."""
    served = Hub([Repository("acme/gated", model.files(), gated=True)], token="hf_reader")
    runner = web.AppRunner(served.application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_fetches_a_gated_model_with_its_token(tmp_path: Path) -> None:
    async with hub() as endpoint:
        environment = {"HF_ENDPOINT": endpoint, "HF_TOKEN": "hf_reader", "HF_HOME": str(tmp_path)}
        with serve("acme/gated", **environment) as server:
            await asyncio.to_thread(server.wait_until_healthy)
    assert _fetched(tmp_path)


def _fetched(home: Path) -> bool:
    return bool(list(home.glob("hub/models--acme--gated/snapshots/*/config.json")))


@pytest.mark.parametrize("token", ["", "hf_wrong"])
async def test_a_refused_token_ends_with_1_and_is_not_logged(tmp_path: Path, token: str) -> None:
    async with hub() as endpoint:
        environment = {"HF_ENDPOINT": endpoint, "HF_TOKEN": token, "HF_HOME": str(tmp_path)}
        code, log = await asyncio.to_thread(ended, "serve", "acme/gated", **environment)
    assert code == 1
    assert "acme/gated" in log
    assert not token or token not in log


@pytest.fixture
def draining(folder: Path) -> Iterator[Server]:
    """A server that lets its streams end."""
    with serve(str(folder), "--shutdown-timeout=30", SETPOINT_SIMULATOR_TIME_SCALE="3") as server:
        server.wait_until_healthy()
        yield server


async def test_drains_what_streams_and_refuses_what_comes(draining: Server) -> None:
    async with (
        ClientSession(draining.url) as session,
        session.post("/v1/completions", json=BODY) as stream,
    ):
        await stream.content.readuntil(b"\n\n")
        draining.process.terminate()
        refusal = await _refusal_once_draining(session)
        async with session.get("/health") as health:
            assert health.status == 200
        rest = (await stream.content.read()).decode()
    assert refusal == "cannot schedule new futures after shutdown"
    assert rest.count("data: {") == TOKENS - 1
    assert rest.endswith("data: [DONE]\n\n")
    assert await asyncio.to_thread(draining.process.wait, 20) == 0


async def _refusal_once_draining(session: ClientSession) -> str:
    while True:
        async with session.post("/v1/completions", json={"prompt": "a", "max_tokens": 1}) as response:
            if response.status == 500:
                return str((await response.json())["error"]["message"])


async def test_without_a_shutdown_timeout_streams_end_with_an_error(folder: Path) -> None:
    with serve(str(folder)) as server:
        await asyncio.to_thread(server.wait_until_healthy)
        async with ClientSession(server.url) as session, session.post("/v1/completions", json=BODY) as stream:
            await stream.content.readuntil(b"\n\n")
            server.process.terminate()
            *_, error, done, _ = (await stream.content.read()).decode().split("\n\n")
        assert json.loads(error.removeprefix("data: "))["error"]["code"] == 500
        assert done == "data: [DONE]"
        assert await asyncio.to_thread(server.process.wait, 20) == 0


def test_a_crash_makes_it_unhealthy_and_then_ends_it_with_0_as_vllm_does(
    folder: Path, tmp_path: Path
) -> None:
    faults = tmp_path / "faults"
    with serve(str(folder), SETPOINT_SIMULATOR_FAULTS_FILE=str(faults)) as server:
        server.wait_until_healthy()
        faults.write_text("crash")
        statuses = set()
        while server.process.poll() is None:
            statuses.add(server.health())
        assert statuses >= {200, 503}
        assert server.process.returncode == 0
