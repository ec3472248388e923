"""An OpenAI-compatible endpoint in a thread, which misbehaves on demand."""

import asyncio
import gzip
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

MODEL = "m"
Stream = web.StreamResponse
Behaviour = Callable[[web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]


def event(chunk: object) -> bytes:
    """One server-sent event."""
    return b"data: " + (chunk if isinstance(chunk, bytes) else json.dumps(chunk).encode()) + b"\n\n"


def token(text: str = " a", finish_reason: str | None = None) -> dict[str, Any]:
    """A chunk of a completion."""
    return {"choices": [{"index": 0, "text": text, "finish_reason": finish_reason}]}


def usage(prompt_tokens: int, completion_tokens: int) -> dict[str, Any]:
    """The last chunk, as `stream_options` asks for."""
    counts = {"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens}
    return {"choices": [], "usage": counts}


def prompt_of(body: dict[str, Any]) -> str:
    """The text that was asked about."""
    return str(body["prompt"]) if "prompt" in body else str(body["messages"][0]["content"])


def answer(body: dict[str, Any]) -> list[bytes]:
    """The events of an answer as long as asked for."""
    words, tokens = len(prompt_of(body).split()), int(body["max_tokens"])
    chunks = [token() for _ in range(tokens - 1)] + [token(finish_reason="length")]
    return [*map(event, chunks), event(usage(words + 2, tokens)), event(b"[DONE]")]


async def begin(request: web.Request, content_type: str = "text/event-stream") -> Stream:
    """The head of a streamed response."""
    response = web.StreamResponse(headers={"Content-Type": content_type})
    await response.prepare(request)
    return response


async def behaves(request: web.Request, body: dict[str, Any]) -> Stream:
    """Answers as it should, event by event."""
    response = await begin(request)
    for each in answer(body):
        await response.write(each)
    return response


async def dribbles(request: web.Request, body: dict[str, Any]) -> Stream:
    """Answers as it should, in pieces that mean nothing, with comments in between."""
    response = await begin(request)
    text = b": keep-alive\r\n\r\n" + b"".join(answer(body)).replace(b"\n", b"\r\n")
    for start in range(0, len(text), 7):
        await response.write(text[start : start + 7])
        await asyncio.sleep(0)
    return response


async def lingers(request: web.Request, body: dict[str, Any]) -> Stream:
    """Answers as it should, and ends the response long after its last word."""
    response = await behaves(request, body)
    await asyncio.sleep(0.6)
    return response


async def at_once(request: web.Request, body: dict[str, Any]) -> Stream:
    """Answers with all tokens in one chunk."""
    response = await begin(request)
    tokens = int(body["max_tokens"])
    text = token(" a" * tokens, "length")
    counts = usage(len(prompt_of(body).split()), tokens)
    await response.write(event(text) + event(counts) + event(b"[DONE]"))
    return response


async def cuts(request: web.Request, body: dict[str, Any]) -> Stream:
    """Loses the connection after two tokens."""
    response = await begin(request)
    for each in answer(body)[:2]:
        await response.write(each)
    assert request.transport is not None
    request.transport.abort()
    return response


async def stops(request: web.Request, body: dict[str, Any]) -> Stream:
    """Ends the response after two tokens, without a word."""
    response = await begin(request)
    for each in answer(body)[:2]:
        await response.write(each)
    return response


async def never_ends(request: web.Request, body: dict[str, Any]) -> Stream:
    """Streams tokens for ever."""
    response = await begin(request)
    while True:
        await response.write(event(token()))
        await asyncio.sleep(0.01)


async def hangs(request: web.Request, body: dict[str, Any]) -> Stream:
    """Takes the request and says nothing."""
    await asyncio.sleep(3600)
    raise AssertionError


async def html(request: web.Request, body: dict[str, Any]) -> Stream:
    """Answers with a page."""
    return web.Response(text="<html>Welcome</html>", content_type="text/html")


async def whole(request: web.Request, body: dict[str, Any]) -> Stream:
    """Answers with JSON in place of a stream."""
    return web.json_response({"choices": [{"text": " a"}]})


async def babbles(request: web.Request, body: dict[str, Any]) -> Stream:
    """Streams what is not JSON."""
    response = await begin(request)
    await response.write(b"data: {oops\n\n")
    return response


async def nests(request: web.Request, body: dict[str, Any]) -> Stream:
    """Streams JSON that is nested deeper than any parser goes."""
    response = await begin(request)
    await response.write(event(b"[" * 100_000))
    return response


async def counts_to_infinity(request: web.Request, body: dict[str, Any]) -> Stream:
    """Tells of a usage beyond all numbers."""
    response = await begin(request)
    await response.write(event(token()) + event(b'{"usage": {"completion_tokens": Infinity}}'))
    return response


async def never_ends_a_line(request: web.Request, body: dict[str, Any]) -> Stream:
    """Streams one line for ever."""
    response = await begin(request)
    while True:
        await response.write(b"data: " + b"x" * 2**18)


async def never_ends_an_error(request: web.Request, body: dict[str, Any]) -> Stream:
    """Refuses with 500, and says why for ever."""
    response = web.StreamResponse(status=500)
    await response.prepare(request)
    while True:
        await response.write(b"x" * 2**16)


async def refuses_slowly(request: web.Request, body: dict[str, Any]) -> Stream:
    """Refuses with 500, and says why bit by bit for ever."""
    response = web.StreamResponse(status=500)
    await response.prepare(request)
    while True:
        await response.write(b"x")
        await asyncio.sleep(0.1)


async def has_a_giant_header(request: web.Request, body: dict[str, Any]) -> Stream:
    """Answers as it should, under a header of a megabyte."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Long": "x" * 2**20})
    await response.prepare(request)
    return response


async def packs(request: web.Request, body: dict[str, Any]) -> Stream:
    """Answers with what unpacks to a thousand times its size, asked or not."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Content-Encoding": "gzip"})
    await response.prepare(request)
    await response.write(gzip.compress(b"data: " + b"x" * 2**26))
    return response


async def fails_within(request: web.Request, body: dict[str, Any]) -> Stream:
    """Tells of an error within the stream, as vLLM does."""
    response = await begin(request)
    await response.write(event(token()) + event({"error": {"message": "out of memory"}}) + event(b"[DONE]"))
    return response


async def falls_short(request: web.Request, body: dict[str, Any]) -> Stream:
    """Answers with one token less than asked for."""
    return await behaves(request, {**body, "max_tokens": int(body["max_tokens"]) - 1})


async def counts_nothing(request: web.Request, body: dict[str, Any]) -> Stream:
    """Answers as it should, without usage."""
    response = await begin(request)
    for each in [*answer(body)[:-2], event(b"[DONE]")]:
        await response.write(each)
    return response


async def sheds(request: web.Request, body: dict[str, Any]) -> Stream:
    """Refuses with 503."""
    return web.json_response({"error": {"message": "overloaded"}}, status=503)


async def takes_short_prompts(request: web.Request, body: dict[str, Any]) -> Stream:
    """Refuses prompts beyond its context."""
    if len(prompt_of(body).split()) > 100:
        return web.json_response({"error": {"message": "maximum context length is 100 tokens"}}, status=400)
    return await behaves(request, body)


async def knows_no_ignore_eos(request: web.Request, body: dict[str, Any]) -> Stream:
    """Refuses the field that vLLM adds to OpenAI's."""
    if "ignore_eos" in body:
        return web.json_response({"error": {"message": "Unrecognized request argument"}}, status=400)
    return await behaves(request, body)


@dataclass
class FakeEndpoint:
    """What the endpoint does, and what it was asked."""

    behaviour: Behaviour = behaves
    key: str | None = None
    models: Callable[[], web.Response] = lambda: web.json_response({"data": [{"id": MODEL}]})
    asked: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""
    transports: set[asyncio.Transport] = field(default_factory=set)

    async def respond(self, request: web.Request) -> Stream:
        """Answer any request."""
        if request.transport is not None:
            self.transports.add(request.transport)
        if self.key and request.headers.get("Authorization") != f"Bearer {self.key}":
            return web.json_response({"error": "unauthorized"}, status=401)
        if request.path == "/v1/models":
            return self.models()
        if request.path == "/version":
            return web.json_response({"version": "0.32.0"})
        if request.path not in ("/v1/completions", "/v1/chat/completions"):
            return web.Response(status=404)
        body = await request.json()
        self.asked.append(body)
        return await self.behaviour(request, body)


@contextmanager
def running(endpoint: FakeEndpoint) -> Iterator[FakeEndpoint]:
    """Serve an endpoint while the block runs."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> web.AppRunner:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", endpoint.respond)
        runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    async def end() -> None:
        await runner.cleanup()
        for transport in endpoint.transports:
            transport.abort()  # a client that is gone, or hangs, would never take what is still to be written
        await asyncio.sleep(0)

    runner = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    host, port = runner.addresses[0][:2]
    endpoint.url = f"http://{host}:{port}"
    try:
        yield endpoint
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
