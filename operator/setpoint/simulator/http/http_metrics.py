"""The metrics of vLLM's HTTP layer (prometheus-fastapi-instrumentator): names, labels and buckets."""

import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from setpoint.simulator.http.series import Registry

_UNCOUNTED = {"/health", "/ping", "/version", "/metrics"}
"""vLLM leaves these out."""
# fmt: off
_FINE_SECONDS = (0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 7.5, 10,
                 30, 60)
# fmt: on
_COARSE_SECONDS = (0.1, 0.5, 1)
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class HttpMetrics:
    """Counts what is asked and how long the answers take, streams to their end."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    @web.middleware
    async def middleware(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Pass a request on, and count it once it is answered."""
        if request.path in _UNCOUNTED:
            return await handler(request)
        started = time.monotonic()
        response = await handler(request)
        self._count(request, response, time.monotonic() - started)
        return response

    def _count(self, request: web.Request, response: web.StreamResponse, seconds: float) -> None:
        registry = self._registry
        resource = request.match_info.route.resource
        handler = resource.canonical if resource else "none"
        asked = {"handler": handler, "method": request.method}
        status = f"{response.status // 100}xx"
        registry.counter(
            "http_requests", "Requests by handler, method and status", **asked, status=status
        ).add()
        registry.summary("http_request_size_bytes", "Length of requests", handler=handler).observe(
            request.content_length or 0
        )
        registry.summary(
            "http_response_size_bytes", "Length of answers that tell it", handler=handler
        ).observe(response.content_length or 0)
        registry.histogram(
            "http_request_duration_highr_seconds", "Time to the answer's end", _FINE_SECONDS
        ).observe(seconds)
        registry.histogram(
            "http_request_duration_seconds", "Time to the answer's end by handler", _COARSE_SECONDS, **asked
        ).observe(seconds)
