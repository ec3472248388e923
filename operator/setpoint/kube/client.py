"""Requests to the API server, on raw objects.

The official client does login, TLS, tokens and proxies; its generated models are left out, because decoding
every object into them costs several times the memory and the time of plain JSON.
"""

import asyncio
import json
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Self, TypeAlias

import aiohttp
from kubernetes.aio.client import ApiClient, Configuration

from setpoint.kube.errors import ApiError, NotFound, Unavailable, error_from_status
from setpoint.kube.login import login_from_environment, login_from_kubeconfig
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
_WATCH_SECONDS = (240, 360)
"""How long one watch lasts, drawn at random so that the watches of all kinds do not end together."""
_WATCH_SILENCE_SECONDS = 180
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


Page: TypeAlias = list[Object]
Hook: TypeAlias = Callable[[Request], None]


def _nothing(_: Request) -> None:
    pass


class KubeClient:
    """The API server, seen through a handful of verbs. Every request has a timeout.

    `on_request` is called before each request is sent, `on_response` after it was carried out and before the
    caller learns of it; what they raise reaches the caller, so they can fence writes, count them or stand for
    a crash.
    """

    def __init__(
        self,
        login: Callable[[], Awaitable[Configuration]],
        *,
        timeout_seconds: float = 30,
        on_request: Hook = _nothing,
        on_response: Hook = _nothing,
    ) -> None:
        self._login = login
        self._timeout_seconds = timeout_seconds
        self._on_request = on_request
        self._on_response = on_response
        self._api: ApiClient | None = None
        self._login_lock = asyncio.Lock()

    @classmethod
    def from_environment(cls, **options: Any) -> Self:
        """A client with the credentials of `login_from_environment`."""
        return cls(login_from_environment, **options)

    @classmethod
    def from_kubeconfig(cls, path: str, **options: Any) -> Self:
        """A client with the credentials of one kubeconfig file."""
        return cls(partial(login_from_kubeconfig, path), **options)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; open watches end."""
        api, self._api = self._api, None
        if api is not None:
            await api.close()  # type: ignore[no-untyped-call]

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Object | None:
        """The object as the API server has it now, or None."""
        try:
            return await self._call(Request("get", resource, namespace, name))
        except NotFound:
            return None

    async def list(
        self, resource: Resource, *, label_selector: str = "", limit: int = 500
    ) -> tuple[Page, str]:
        """All objects of a kind in all namespaces, and the one resourceVersion as of which they are told."""
        objects: Page = []
        version = ""
        async for page, page_version in self.pages(resource, label_selector=label_selector, limit=limit):
            objects += page
            version = page_version
        return objects, version

    async def pages(
        self, resource: Resource, *, label_selector: str = "", limit: int = 500
    ) -> AsyncGenerator[tuple[Page, str], None]:
        """Like `list`, page by page: every page is of the same resourceVersion. Raises Expired when the list
        took so long that the API server forgot that version; then it has to be started over.
        """
        query = {"labelSelector": label_selector, "limit": str(limit)}
        while True:
            answer = await self._call(Request("list", resource), query)
            for item in answer["items"]:
                item.setdefault("apiVersion", resource.api_version)
                item.setdefault("kind", resource.kind)
            metadata = answer["metadata"]
            yield answer["items"], metadata["resourceVersion"]
            if not metadata.get("continue"):
                return
            query["continue"] = metadata["continue"]

    async def watch(
        self, resource: Resource, *, resource_version: str, label_selector: str = ""
    ) -> AsyncGenerator[Object, None]:
        """The events after a resourceVersion, bookmarks among them, until the API server ends the watch
        (minutes).

        Raises Expired when that version is too old.
        """
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "labelSelector": label_selector,
            "resourceVersion": resource_version,
            "timeoutSeconds": str(random.randint(*_WATCH_SECONDS)),  # noqa: S311
        }
        timeout = aiohttp.ClientTimeout(sock_connect=self._timeout_seconds, sock_read=_WATCH_SILENCE_SECONDS)
        async with self._open(Request("watch", resource), query, timeout=timeout) as response:
            async for line in response.content:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    raise error_from_status(event["object"], int(event["object"].get("code", 500)))
                yield event

    async def apply(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        manifest: Object,
        *,
        field_manager: str,
        subresource: str | None = None,
        force: bool = True,
    ) -> Object:
        """Server-side apply. A field that the API server does not know is an error, never dropped in silence.

        Raises Conflict when `manifest` carries a uid or resourceVersion that is not the live object's, or
        when `force` is off and another manager holds a field.
        """
        query = {"fieldManager": field_manager, "force": str(force).lower(), "fieldValidation": "Strict"}
        return await self._call(Request("apply", resource, namespace, name, subresource), query, manifest)

    async def create(self, resource: Resource, namespace: str | None, manifest: Object) -> Object:
        """Create an object. Raises Conflict when there is one of that name."""
        request = Request("create", resource, namespace, manifest["metadata"].get("name"))
        return await self._call(request, {"fieldValidation": "Strict"}, manifest)

    async def replace(self, resource: Resource, namespace: str | None, name: str, manifest: Object) -> Object:
        """Replace a whole object. Raises Conflict when its metadata.resourceVersion is not the live one."""
        return await self._call(Request("replace", resource, namespace, name), {}, manifest)

    async def delete(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        *,
        uid: str,
        propagation: str = "Background",
    ) -> None:
        """Delete this very object; one that is gone already is no error. Raises Conflict when another has its
        name.
        """
        options = {"propagationPolicy": propagation, "preconditions": {"uid": uid}}
        try:
            await self._call(Request("delete", resource, namespace, name), {}, options)
        except NotFound:
            return

    async def _call(
        self, request: Request, query: Mapping[str, str] | None = None, body: Object | None = None
    ) -> Object:
        timeout = aiohttp.ClientTimeout(total=self._timeout_seconds)
        async with self._open(request, query or {}, body, timeout=timeout) as response:
            answer: Object = json.loads(await response.read())
        self._on_response(request)
        return answer

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
                # An answer that was read to its end gives its connection back; any other closes it.
                response.close() if request.verb == "watch" else response.release()
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
    return error_from_status(status, response.status, response.headers.get("Retry-After"))
