"""The HTTP routes, the key that guards some of them, and errors in the shape that clients expect."""

import secrets
import time
from collections.abc import Awaitable, Callable
from hmac import compare_digest

from aiohttp import web

from setpoint.simulator.http import completion_request
from setpoint.simulator.http.body import json_body, json_response
from setpoint.simulator.http.completion_request import RefusedError
from setpoint.simulator.http.completions import Completions, Model
from setpoint.simulator.http.http_metrics import HttpMetrics
from setpoint.simulator.http.scrape import Scrape

VERSION = "0.32.0"
LARGEST_BODY_BYTES = 64 * 2**20
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Api:
    """vLLM's routes over one engine."""

    def __init__(
        self,
        model: Model,
        api_keys: tuple[str, ...],
        completions: Completions,
        scrape: Scrape,
        http_metrics: HttpMetrics,
        is_dead: Callable[[], bool],
    ) -> None:
        self._model = model
        self._api_keys = [f"Bearer {key}".encode() for key in api_keys]
        self._completions = completions
        self._scrape = scrape
        self._http_metrics = http_metrics
        self._is_dead = is_dead

    def application(self) -> web.Application:
        """The routes as an aiohttp application."""
        application = web.Application(
            middlewares=[self._guard, self._http_metrics.middleware, _errors],
            client_max_size=LARGEST_BODY_BYTES,
        )
        router = application.router
        router.add_get("/health", self._health, allow_head=False)
        router.add_get("/ping", self._health, allow_head=False)
        router.add_post("/ping", self._health)
        router.add_get("/version", _version, allow_head=False)
        router.add_get("/metrics", self._metrics, allow_head=False)
        router.add_post("/tokenize", self._tokenize)
        router.add_get("/v1/models", self._models, allow_head=False)
        router.add_post("/v1/completions", self._completions.handle)
        router.add_post("/v1/chat/completions", self._completions.handle)
        return application

    @web.middleware
    async def _guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """The key guards /v1 alone, as in vLLM, whose metrics know nothing of what is refused here."""
        if self._api_keys and request.path.startswith("/v1"):
            given = request.headers.get("Authorization", "").encode(errors="surrogateescape")
            if not any(compare_digest(given, key) for key in self._api_keys):
                return json_response({"error": "Unauthorized"}, status=401)
        return await handler(request)

    async def _health(self, _: web.Request) -> web.Response:
        return web.Response(status=503 if self._is_dead() else 200)

    async def _metrics(self, _: web.Request) -> web.Response:
        body = self._scrape.body()
        if body is None:
            return web.Response(status=503)
        return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def _tokenize(self, http: web.Request) -> web.Response:
        body = await json_body(http)
        tokens = completion_request.token_ids(body, chat=isinstance(body, dict) and "messages" in body)
        return json_response(
            {"count": len(tokens), "max_model_len": self._model.max_model_len, "tokens": tokens}
        )

    async def _models(self, _: web.Request) -> web.Response:
        now = int(time.time())
        models = [
            {"id": name, "object": "model", "created": now, "owned_by": "vllm", "root": self._model.root,
             "parent": None, "max_model_len": self._model.max_model_len,
             "permission": [{"id": f"modelperm-{secrets.token_hex(8)}", "object": "model_permission"}]}
            for name in self._model.names
        ]  # fmt: skip
        return json_response({"object": "list", "data": models})


@web.middleware
async def _errors(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Errors in the shape of OpenAI's API; of FastAPI's where no route fits."""
    try:
        return await handler(request)
    except RefusedError as refused:
        response = json_response(refused.body, status=refused.code)
        response.headers.update(refused.headers)
        return response
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as error:
        return json_response({"detail": error.reason}, status=error.status)


async def _version(_: web.Request) -> web.Response:
    return json_response({"version": VERSION})
