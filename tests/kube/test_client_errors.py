"""What a client makes of answers that a healthy API server does not give."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio.client import Configuration

from setpoint.kube.client import KubeClient
from setpoint.kube.errors import Expired, Forbidden, Rejected, Unavailable
from setpoint.kube.resources import PODS

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def talking_to(
    handler: Handler, *, tokens: tuple[str, ...] = ("token",), timeout_seconds: float = 5
) -> AsyncIterator[KubeClient]:
    """A client of a server that answers as told; each login gives the next token, the last one for ever."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    left = list(tokens)

    async def login() -> Configuration:
        token = left.pop(0) if len(left) > 1 else left[0]
        return Configuration(
            host=str(server.make_url("")).rstrip("/"), api_key={"BearerToken": f"Bearer {token}"}
        )

    async with (
        TestServer(application) as server,
        KubeClient(login, timeout_seconds=timeout_seconds) as client,
    ):
        yield client


def answering(code: int, body: object) -> Handler:
    async def handle(_: web.Request) -> web.Response:
        return web.json_response(body, status=code)

    return handle


async def test_credentials_that_ran_out_are_renewed_once_and_the_request_is_repeated() -> None:
    async def handle(request: web.Request) -> web.Response:
        if request.headers["Authorization"] != "Bearer new":
            return web.json_response({"reason": "Unauthorized", "message": "Unauthorized"}, status=401)
        return web.json_response({"metadata": {"name": "p"}})

    async with talking_to(handle, tokens=("old", "new")) as client:
        assert await client.get(PODS, "team-a", "p") == {"metadata": {"name": "p"}}
    async with talking_to(handle, tokens=("old",)) as client:
        with pytest.raises(Forbidden):
            await client.get(PODS, "team-a", "p")


async def test_a_server_that_asks_for_patience_is_unavailable() -> None:
    busy = {"reason": "TooManyRequests", "message": "busy"}
    async with talking_to(answering(429, busy)) as client:
        with pytest.raises(Unavailable, match="busy"):
            await client.get(PODS, "team-a", "p")


@pytest.mark.parametrize("body", ["<html>", [], None])
async def test_an_answer_of_something_before_the_api_server_is_unavailable(body: object) -> None:
    async with talking_to(answering(502, body)) as client:
        with pytest.raises(Unavailable):
            await client.get(PODS, "team-a", "p")


async def test_a_good_answer_that_is_not_json_is_unavailable() -> None:
    async def handle(_: web.Request) -> web.Response:
        return web.Response(text="<html>please log in</html>")

    async with talking_to(handle) as client:
        with pytest.raises(Unavailable):
            await client.get(PODS, "team-a", "p")


async def test_a_server_that_does_not_answer_is_unavailable_after_the_timeout() -> None:
    async def handle(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async with talking_to(handle, timeout_seconds=0.2) as client:
        with pytest.raises(Unavailable, match="get pods: "):
            await client.get(PODS, "team-a", "p")


async def test_a_list_whose_continuation_is_too_old_has_expired() -> None:
    async with talking_to(answering(410, {"reason": "Expired", "message": "too old"})) as client:
        with pytest.raises(Expired):
            await client.list(PODS)


async def test_a_watch_that_breaks_in_the_middle_of_a_line_is_unavailable() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b'{"type": "ADDED", "obj')
        return response

    async with talking_to(handle) as client:
        with pytest.raises(Unavailable):
            async for _ in client.watch(PODS, resource_version="1"):
                pass


async def test_an_error_never_carries_the_token() -> None:
    async with talking_to(answering(400, {"message": "no"}), tokens=("secret-token",)) as client:
        with pytest.raises(Rejected) as raised:
            await client.get(PODS, "team-a", "p")
    assert "secret-token" not in repr(raised.value) + str(raised.value)
