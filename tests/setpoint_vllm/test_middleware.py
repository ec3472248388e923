import asyncio
import errno
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import REGISTRY

from setpoint_vllm import middleware
from setpoint_vllm.middleware import Setpoint
from setpoint_vllm.requests import Message, Receive, Scope, Send
from tests.setpoint_vllm.builders import EngineClient, Scheduler, limits_text

App = Callable[[Scope, Receive, Send], Awaitable[None]]


def http(path: str, method: str = "POST", **changes: Any) -> dict[str, Any]:
    return {"type": "http", "path": path, "method": method} | changes


async def answering(scope: Scope, receive: Receive, send: Send) -> None:
    """vLLM, that answers everything at once."""
    if scope["type"] == "lifespan":
        await send({"type": "lifespan.startup.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


async def call(app: App, scope: Scope, *received: Message) -> list[Message]:
    """The messages with which `app` answers."""
    messages = iter(received)

    async def receive() -> Message:
        return next(messages)

    return await call_of(app, scope, receive)


async def call_of(app: App, scope: Scope, receive: Receive) -> list[Message]:
    """The messages with which `app` answers a client that does what `receive` does."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


async def status_of(app: App, scope: Scope, *received: Message) -> int:
    status: int = (await call(app, scope, *received))[0]["status"]
    return status


def counted(verdict: str, reason: str = "") -> float:
    return REGISTRY.get_sample_value("setpoint_requests_total", {"verdict": verdict, "reason": reason}) or 0.0


@pytest.fixture(name="file")
def _file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SETPOINT_LIMITS_FILE", str(tmp_path / "limits.json"))
    return tmp_path / "limits.json"


async def started(app: App, client: EngineClient) -> Setpoint:
    """The middleware around `app`, after the start of its server."""
    setpoint = Setpoint(app)
    scope = {"type": "lifespan", "app": SimpleNamespace(state=SimpleNamespace(engine_client=client))}
    await call(setpoint, scope)
    return setpoint


@pytest.mark.parametrize(
    "path", ["/health", "/metrics", "/v1/models", "/v1/chat/completions", "/setpoint/limits"]
)
async def test_open_paths_are_answered(path: str) -> None:
    assert await status_of(Setpoint(answering), http(path, "GET")) == 200


@pytest.mark.parametrize(
    "path",
    ["/tokenize", "//tokenize", "/invocations", "/docs", "/", "", "/v1", "/healthz", "/V1/models", "/load"],
)
async def test_every_other_path_is_closed(path: str) -> None:
    assert await status_of(Setpoint(answering), http(path)) == 404


async def test_a_closed_websocket_is_refused() -> None:
    sent = await call(Setpoint(answering), {"type": "websocket", "path": "/tokenize"})
    assert sent == [{"type": "websocket.close", "code": 1008}]


async def test_a_path_is_judged_as_the_router_sees_it() -> None:
    app = Setpoint(answering)
    assert await status_of(app, http("/api/tokenize", root_path="/api")) == 404
    assert await status_of(app, http("/api/health", root_path="/api")) == 200


async def test_further_paths_can_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETPOINT_OPEN_PATHS", "/tokenize,/score")
    assert await status_of(Setpoint(answering), http("/tokenize")) == 200


async def test_the_server_listens_only_when_its_limits_are_in_force(file: Path) -> None:
    file.write_text(limits_text(limits={"seqs": 3}))
    scheduler = Scheduler(seqs=16)
    seen: list[int] = []

    async def send(_message: Message) -> None:
        seen.append(scheduler.max_num_active_reqs)

    scope = {
        "type": "lifespan",
        "app": SimpleNamespace(state=SimpleNamespace(engine_client=EngineClient(scheduler))),
    }

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    await Setpoint(answering)(scope, receive, send)
    assert seen == [3]


def body(size: int, *, more: bool = False) -> Message:
    return {"type": "http.request", "body": b"x" * size, "more_body": more}


async def reading(scope: Scope, receive: Receive, send: Send) -> None:
    """vLLM, that reads a body before it answers, and answers 400 where the client leaves in between."""
    message: Message = {"more_body": scope["type"] == "http"}
    while message.get("more_body"):
        message = await receive()
    if message.get("type") == "http.disconnect":
        await send({"type": "http.response.start", "status": 400, "headers": []})
        await send({"type": "http.response.body", "body": b"the client left"})
    else:
        await answering(scope, receive, send)


async def raising(scope: Scope, receive: Receive, send: Send) -> None:
    """As `reading`, but by an exception."""
    if scope["type"] == "http" and (await receive())["type"] == "http.disconnect":
        raise RuntimeError("the client left")
    await answering(scope, receive, send)


async def test_what_is_beyond_the_queue_limit_is_shed(file: Path) -> None:
    file.write_text(limits_text(limits={"queuedReqs": 2}))
    client = EngineClient()
    app = await started(reading, client)
    state = SimpleNamespace(prompt_len=10, is_prefilling=True)
    client.output_processor.request_states = {"a": state}
    assert await status_of(app, http("/v1/completions"), body(2)) == 200
    client.output_processor.request_states = {"a": state, "b": state}
    before = counted("bad", "shed")
    sent = await call(app, http("/v1/completions"), body(2))
    assert sent[0]["status"] == 503
    assert (b"retry-after", b"1") in sent[0]["headers"]
    assert counted("bad", "shed") == before + 1
    assert await status_of(app, http("/v1/completions")) == 503, "as the body is not even read"
    assert await status_of(app, http("/v1/models", "GET"), body(0)) == 200
    client.output_processor.request_states = {"a": state}
    assert await status_of(app, http("/v1/completions"), body(2)) == 200


async def test_prompt_tokens_without_a_first_token_are_limited_too(file: Path) -> None:
    file.write_text(limits_text(limits={"queuedTokens": 100}))
    client = EngineClient()
    app = await started(reading, client)
    states = {"a": SimpleNamespace(prompt_len=1000, is_prefilling=False)}
    client.output_processor.request_states = states
    assert await status_of(app, http("/v1/completions"), body(2)) == 200
    states["b"] = SimpleNamespace(prompt_len=100, is_prefilling=True)
    assert await status_of(app, http("/v1/completions"), body(2)) == 503


async def status_beside(client: EngineClient, *received: Message, vllm: App = reading) -> int:
    """How a request ends that comes while `vllm` has another, whose client sent what is `received`."""
    statuses: list[int] = []

    async def asking(scope: Scope, receive: Receive, send: Send) -> None:
        async def say(message: Message) -> None:
            if not statuses:
                statuses.append(0)
                statuses[0] = await status_of(app, http("/v1/completions"), body(2))
            await send(message)

        await vllm(scope, receive, say if scope["type"] == "http" else send)

    app = await started(asking, client)
    await call(app, http("/v1/completions"), *received)
    return statuses[0]


async def test_requests_that_the_engine_does_not_know_yet_count_for_the_limit(file: Path) -> None:
    file.write_text(limits_text(limits={"queuedReqs": 1}))
    assert await status_beside(EngineClient(), body(2)) == 503


async def test_a_burst_that_is_not_tokenized_yet_counts_for_the_limit_of_tokens(file: Path) -> None:
    file.write_text(limits_text(limits={"queuedTokens": 100}))
    assert await status_beside(EngineClient(), body(100, more=True), body(299)) == 200
    assert await status_beside(EngineClient(), body(100, more=True), body(300)) == 503


async def test_a_request_counts_no_more_tokens_than_the_model_takes(file: Path) -> None:
    file.write_text(limits_text(limits={"queuedTokens": 100}))
    client = EngineClient()
    client.model_config = SimpleNamespace(max_model_len=99)
    assert await status_beside(client, body(10_000)) == 200
    client.model_config = SimpleNamespace(max_model_len=100)
    assert await status_beside(client, body(10_000)) == 503


async def test_a_client_that_has_not_sent_its_body_counts_for_nothing(file: Path) -> None:
    file.write_text(limits_text(limits={"queuedTokens": 100, "queuedReqs": 1}))
    app = await started(reading, EngineClient())
    messages = [body(1000, more=True), LEFT]
    statuses: list[int] = []

    async def receive() -> Message:
        statuses.append(await status_of(app, http("/v1/completions"), body(2)))
        return messages.pop(0)

    await call_of(
        app, http("/v1/completions", headers=[(b"content-length", b"18446744073709551615")]), receive
    )
    assert statuses == [200, 200]


async def test_a_client_whose_key_is_refused_counts_for_nothing(file: Path) -> None:
    file.write_text(limits_text(limits={"queuedTokens": 100, "queuedReqs": 1}))
    assert await status_beside(EngineClient(), body(1000), vllm=answering) == 200


@pytest.mark.parametrize("vllm", [reading, raising])
async def test_a_request_is_shed_when_the_queue_fills_before_its_body_is_there(file: Path, vllm: App) -> None:
    file.write_text(limits_text(limits={"queuedReqs": 1}))
    client = EngineClient()
    app = await started(vllm, client)
    before = counted("bad", "shed")

    async def receive() -> Message:
        client.output_processor.request_states = {"a": SimpleNamespace(prompt_len=10, is_prefilling=True)}
        return body(2)

    sent = await call_of(app, http("/v1/completions"), receive)
    assert [message.get("status") for message in sent] == [503, None]
    assert (b"retry-after", b"1") in sent[0]["headers"]
    assert json.loads(sent[1]["body"])["error"]["type"] == "overloaded"
    assert counted("bad", "shed") == before + 1
    client.output_processor.request_states = {}
    assert await status_of(app, http("/v1/completions"), body(2)) == 200


async def test_what_is_in_force_is_served_from_memory(file: Path) -> None:
    file.write_text(limits_text(generation=7, writer="w", limits={"seqs": 3}))
    client = EngineClient()
    app = await started(answering, client)
    calls = client.calls
    body = json.loads((await call(app, http("/setpoint/limits", "GET")))[1]["body"])
    assert (body["generation"], body["writer"], body["ranks"]["0"]["limits"]["seqs"]) == (7, "w", 3)
    assert client.calls == calls


async def test_requests_are_answered_though_the_engines_requests_cannot_be_counted(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.write_text(limits_text(limits={"queuedTokens": 100}))
    client = EngineClient()
    app = await started(answering, client)
    client.output_processor.request_states = {"a": SimpleNamespace(is_prefilling=True, prompt_len=None)}
    assert [await status_of(app, http("/v1/completions")) for _ in range(3)] == [200] * 3
    assert len(caplog.records) == 1


async def test_the_file_is_followed_though_the_other_servers_cannot_be_looked_for(
    file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_arguments: object) -> None:
        raise OSError(errno.EMFILE, "too many open files")

    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    monkeypatch.setattr(Path, "glob", fail)
    monkeypatch.setattr(middleware, "LOOK_SECONDS", 0.0)
    told: asyncio.Queue[int] = asyncio.Queue()

    class Client(EngineClient):
        async def _call_utility_async(self, method: str, *arguments: Any, engine: bytes) -> Any:
            told.put_nowait(arguments[1])
            return await super()._call_utility_async(method, *arguments, engine=engine)

    async def serving(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "lifespan.startup.complete"})
        for generation in (1, 2, 3):
            file.write_text(limits_text(generation=generation))
            while await told.get() != generation:
                pass

    await asyncio.wait_for(started(serving, Client()), 10)
    assert len(caplog.records) == 1


def ending(
    *messages: Message, status: int = 200, raises: Exception | None = None, hears: bool = False
) -> App:
    """vLLM, that ends an answer in some way."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        for message in messages:
            await send(message)
        if hears:
            await receive()
        if raises:
            raise raises

    return app


CHUNK: Message = {"type": "http.response.body", "body": b"x", "more_body": True}
END: Message = {"type": "http.response.body", "body": b""}
LEFT: Message = {"type": "http.disconnect"}


@pytest.mark.parametrize(
    ("app", "verdict"),
    [
        (ending(CHUNK, END), None),
        (ending(CHUNK, END, hears=True), None),
        (ending(CHUNK, hears=True), ("cut", "")),
        (ending(CHUNK), ("bad", "failed")),
        (ending(CHUNK, raises=RuntimeError()), ("bad", "failed")),
        (ending(END, status=500), ("bad", "failed")),
        (ending(END, status=503), ("bad", "shed")),
        (ending(END, status=400), None),
    ],
)
async def test_what_the_engine_never_tells_is_counted(app: App, verdict: tuple[str, str] | None) -> None:
    kinds = [("cut", ""), ("bad", "failed"), ("bad", "shed"), ("good", "")]
    before = [counted(*kind) for kind in kinds]
    with suppress(RuntimeError):
        await call(Setpoint(app), http("/v1/completions"), LEFT)
    assert [counted(*kind) - then for kind, then in zip(kinds, before, strict=True)] == [
        kind == verdict for kind in kinds
    ]
