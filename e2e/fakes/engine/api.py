"""The HTTP routes."""

import json
import secrets
import time
from collections.abc import Awaitable, Callable
from hmac import compare_digest

from aiohttp import web
from prometheus_client import generate_latest

from e2e.fakes.engine import request as requests
from e2e.fakes.engine.answer import DONE, Answer, compact, event
from e2e.fakes.engine.batch import Batch, EngineDeadError, QueueFullError
from e2e.fakes.engine.command_line import Arguments
from e2e.fakes.engine.metrics import Metrics
from e2e.fakes.engine.request import RefusedError, Request

VERSION = "0.32.0"
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Api:
    """vLLM's routes over one batch."""

    def __init__(self, arguments: Arguments, max_model_len: int, batch: Batch, metrics: Metrics) -> None:
        self._arguments = arguments
        self._max_model_len = max_model_len
        self._batch = batch
        self._metrics = metrics
        self.draining = False
        """Set on SIGTERM: what runs goes on, what comes is refused."""

    def application(self) -> web.Application:
        """The routes as an aiohttp application."""
        application = web.Application(middlewares=[_errors, self._guard])
        application.router.add_get("/health", _ok, allow_head=False)
        application.router.add_get("/ping", _ok, allow_head=False)
        application.router.add_post("/ping", _ok)
        application.router.add_get("/version", _version, allow_head=False)
        application.router.add_get("/metrics", self._show_metrics, allow_head=False)
        application.router.add_get("/v1/models", self._models, allow_head=False)
        application.router.add_post("/v1/completions", self._completions)
        application.router.add_post("/v1/chat/completions", self._completions)
        return application

    @web.middleware
    async def _guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """The key guards /v1 alone: vLLM leaves /metrics and /health open."""
        if self._arguments.api_keys and request.path.startswith("/v1"):
            given = request.headers.get("Authorization", "").encode()
            if not any(compare_digest(given, f"Bearer {key}".encode()) for key in self._arguments.api_keys):
                return _json({"error": "Unauthorized"}, status=401)
        return await handler(request)

    async def _show_metrics(self, _: web.Request) -> web.Response:
        headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        return web.Response(body=generate_latest(self._metrics.registry), headers=headers)

    async def _models(self, _: web.Request) -> web.Response:
        now = int(time.time())
        models = [
            {"id": name, "object": "model", "created": now, "owned_by": "vllm", "root": self._arguments.model,
             "parent": None, "max_model_len": self._max_model_len,
             "permission": [{"id": f"modelperm-{secrets.token_hex(8)}", "object": "model_permission"}]}
            for name in self._arguments.served_names
        ]  # fmt: skip
        return _json({"object": "list", "data": models})

    async def _completions(self, http: web.Request) -> web.StreamResponse:
        request = requests.parse(
            await _json_body(http),
            chat=http.path.endswith("/chat/completions"),
            served_names=self._arguments.served_names,
            max_model_len=self._max_model_len,
        )
        if self.draining:
            raise RefusedError("cannot schedule new futures after shutdown", "InternalServerError", code=500)
        answer = Answer(request, self._arguments.served_names[0])
        try:
            return await self._answer(http, request, answer)
        except QueueFullError:
            message = (
                "The engine is currently busy and cannot accept new requests. "
                "Please try again later or on a different instance."
            )
            raise RefusedError(message, "Service Unavailable", code=503) from None

    async def _answer(self, http: web.Request, request: Request, answer: Answer) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        tokens = self._batch.generate(
            request.prompt_tokens, request.max_tokens, ignore_eos=request.ignore_eos
        )
        try:
            async for token in tokens:
                chunk = answer.add(token)
                if not request.stream:
                    continue
                if not response.prepared:
                    await response.prepare(http)
                await response.write(chunk)
        except EngineDeadError:
            message = "EngineCore encountered an issue. See stack trace (above) for the root cause."
            refused = RefusedError(message, "InternalServerError", code=500)
            if not response.prepared:
                raise refused from None
            await response.write(event(refused.body) + DONE)
        else:
            if not request.stream:
                return _json(answer.whole())
            await response.write(answer.end())
        finally:
            await tokens.aclose()
        await response.write_eof()
        return response


@web.middleware
async def _errors(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Errors in the shape of OpenAI's API; of FastAPI's where no route fits."""
    try:
        return await handler(request)
    except RefusedError as refused:
        return _json(refused.body, status=refused.code)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as error:
        return _json({"detail": error.reason}, status=error.status)


async def _json_body(http: web.Request) -> object:
    if http.content_type != "application/json":
        message = "1 validation error:\n  Unsupported Media Type: Only 'application/json' is allowed"
        raise RefusedError(message, "Bad Request")
    try:
        return await http.json()
    except json.JSONDecodeError as error:
        location = f"body.{error.pos}"
        detail = f"{{'type': 'json_invalid', 'loc': '{location}', 'msg': 'JSON decode error'}}"
        raise RefusedError(f"1 validation error:\n  {detail}", "Bad Request", location) from None


def _json(data: object, status: int = 200) -> web.Response:
    return web.json_response(data, status=status, dumps=compact)


async def _ok(_: web.Request) -> web.Response:
    return web.Response()


async def _version(_: web.Request) -> web.Response:
    return _json({"version": VERSION})
