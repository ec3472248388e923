"""One connection to the API server: login, timeouts, errors, and hooks before and after every request.

The official client does login, TLS, tokens and proxies; its generated models are left out, because decoding
every object into them costs several times the memory and the time of plain JSON.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal, TypeAlias

import aiohttp
from kubernetes.aio.client import ApiClient, Configuration

from setpoint.kube.errors import ApiError, Unavailable, error_from_status
from setpoint.kube.objects import Object
from setpoint.kube.resources import Resource

Verb = Literal["get", "list", "watch", "apply", "create", "replace", "delete"]

_METHODS: Mapping[Verb, str] = {
    "get": "GET",
    "list": "GET",
    "watch": "GET",
    "apply": "PATCH",
    "create": "POST",
    "replace": "PUT",
    "delete": "DELETE",
}
_APPLY = "application/apply-patch+yaml"
_SILENCE_SECONDS = 180
"""The API server sends the first bookmark after two minutes, then one a minute (measured on 1.37): longer
silence means a dead connection."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, as the hooks see it."""

    verb: Verb
    resource: Resource
    namespace: str | None = None
    name: str | None = None
    subresource: str | None = None

    @property
    def is_write(self) -> bool:
        """True for the verbs that change something."""
        return self.verb not in ("get", "list", "watch")


Hook: TypeAlias = Callable[[Request], None]


class Connection:
    """Sends requests, each with a timeout. Logs in at the first, and again when the credentials ran out."""

    def __init__(
        self,
        login: Callable[[], Awaitable[Configuration]],
        *,
        timeout_seconds: float,
        on_request: Hook,
        on_response: Hook,
    ) -> None:
        self._login = login
        self._timeout_seconds = timeout_seconds
        self._on_request = on_request
        self._on_response = on_response
        self._api: ApiClient | None = None
        self._login_lock = asyncio.Lock()

    async def close(self) -> None:
        """Close all sockets; open watches end."""
        api, self._api = self._api, None
        if api is not None:
            await api.close()  # type: ignore[no-untyped-call]

    async def call(
        self, request: Request, query: Mapping[str, str] | None = None, body: Object | None = None
    ) -> Object:
        """Send a request and return the whole answer."""
        timeout = aiohttp.ClientTimeout(total=self._timeout_seconds)
        async with self._open(request, query or {}, body, timeout=timeout) as response:
            answer: Object = json.loads(await response.read())
        self._on_response(request)
        return answer

    async def lines(self, request: Request, query: Mapping[str, str]) -> AsyncGenerator[Object, None]:
        """Send a request and return its answer line by line, until the API server ends it."""
        timeout = aiohttp.ClientTimeout(sock_connect=self._timeout_seconds, sock_read=_SILENCE_SECONDS)
        async with self._open(request, query, timeout=timeout) as response:
            async for line in response.content:
                yield json.loads(line)

    @asynccontextmanager
    async def _open(
        self,
        request: Request,
        query: Mapping[str, str],
        body: Object | None = None,
        *,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        self._on_request(request)
        try:
            response = await self._send(request, query, body, timeout)
            try:
                if response.status >= 400:
                    raise await _error(response)
                yield response
            finally:
                # Gives the socket back when the answer was read to its end, and closes it otherwise.
                response.release()
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            what = f"{request.verb} {request.resource.plural}: {error or 'no answer in time'}"
            raise Unavailable(0, type(error).__name__, what) from error

    async def _send(
        self,
        request: Request,
        query: Mapping[str, str],
        body: Object | None,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109
    ) -> aiohttp.ClientResponse:
        api = await self._logged_in()
        response = await _send_once(api, request, query, body, timeout)
        if response.status == 401:
            # The credentials ran out (exec plugins, rotated certificates): log in again, once.
            response.release()
            if self._api is api:
                await self.close()
            response = await _send_once(await self._logged_in(), request, query, body, timeout)
        return response

    async def _logged_in(self) -> ApiClient:
        async with self._login_lock:
            if self._api is None:
                self._api = ApiClient(await self._login())
            return self._api


async def _send_once(
    api: ApiClient,
    request: Request,
    query: Mapping[str, str],
    body: Object | None,
    timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109
) -> aiohttp.ClientResponse:
    method, url, headers, content, _ = await api.param_serialize(
        _METHODS[request.verb],
        request.resource.path(
            request.namespace, None if request.verb == "create" else request.name, request.subresource
        ),
        query_params=dict(query),
        header_params={
            "Accept": "application/json",
            "Content-Type": _APPLY if request.verb == "apply" else "application/json",
        },
        body=body,
        auth_settings=["BearerToken"],
    )
    answer = await api.call_api(method, url, headers, content, _request_timeout=timeout)
    response: aiohttp.ClientResponse = answer.response
    return response


async def _error(response: aiohttp.ClientResponse) -> ApiError:
    text = await response.text()
    try:
        status = json.loads(text)
    except ValueError:
        status = None
    if not isinstance(status, dict):
        # Not the API server but something before it, a proxy or a load balancer.
        status = {"reason": response.reason, "message": text[:200]}
    return error_from_status(status, response.status)
