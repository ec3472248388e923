"""The API server as a handful of verbs on raw objects."""

import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from functools import partial
from typing import Any, Self, TypeAlias

from kubernetes.aio.client import Configuration

from setpoint.kube.connection import Connection, Hook, Request
from setpoint.kube.errors import NotFound, error_from_status
from setpoint.kube.login import login_from_environment, login_from_kubeconfig
from setpoint.kube.objects import Object
from setpoint.kube.resources import Resource

__all__ = ["Hook", "KubeClient", "Page", "Request"]

_WATCH_SECONDS = (240, 360)
"""How long one watch lasts, drawn at random so that the watches of all kinds do not end together."""

Page: TypeAlias = list[Object]


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
        self._connection = Connection(
            login, timeout_seconds=timeout_seconds, on_request=on_request, on_response=on_response
        )

    @classmethod
    def from_environment(cls, **options: Any) -> Self:
        """A client with the credentials of `login_from_environment`."""
        return cls(login_from_environment, **options)

    @classmethod
    def from_kubeconfig(cls, path: str, context: str | None = None, **options: Any) -> Self:
        """A client with the credentials of a kubeconfig, of its current context where none is named."""
        return cls(partial(login_from_kubeconfig, path, context), **options)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection; open watches end."""
        await self._connection.close()

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Object | None:
        """The object as the API server has it now, or None."""
        try:
            return await self._connection.call(Request("get", resource, namespace, name))
        except NotFound:
            return None

    async def list(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        label_selector: str = "",
        limit: int = 500,
    ) -> tuple[Page, str]:
        """All objects of a kind in one namespace or in all, and the one resourceVersion as of which they are
        told.
        """
        objects: Page = []
        version = ""
        pages = self.pages(resource, namespace=namespace, label_selector=label_selector, limit=limit)
        async for page, page_version in pages:
            objects += page
            version = page_version
        return objects, version

    async def pages(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        label_selector: str = "",
        limit: int = 500,
    ) -> AsyncGenerator[tuple[Page, str], None]:
        """Like `list`, page by page: every page is of the same resourceVersion. Raises Expired when the list
        took so long that the API server forgot that version; then it has to be started over.
        """
        query = {"labelSelector": label_selector, "limit": str(limit)}
        while True:
            answer = await self._connection.call(Request("list", resource, namespace), query)
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
            "timeoutSeconds": str(random.randint(*_WATCH_SECONDS)),
        }
        async with aclosing(self._connection.lines(Request("watch", resource), query)) as events:
            async for event in events:
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
    ) -> Object:
        """Server-side apply, which takes over fields that other managers hold. A field that the API server
        does not know is an error, never dropped in silence.

        Raises Conflict when `manifest` carries a uid or resourceVersion that is not the live object's.
        """
        query = {"fieldManager": field_manager, "force": "true", "fieldValidation": "Strict"}
        return await self._connection.call(
            Request("apply", resource, namespace, name, subresource), query, manifest
        )

    async def create(self, resource: Resource, namespace: str | None, manifest: Object) -> Object:
        """Create an object. Raises Conflict when there is one of that name."""
        request = Request("create", resource, namespace, manifest["metadata"].get("name"))
        return await self._connection.call(request, {"fieldValidation": "Strict"}, manifest)

    async def replace(self, resource: Resource, namespace: str | None, name: str, manifest: Object) -> Object:
        """Replace a whole object. Raises Conflict when its metadata.resourceVersion is not the live one."""
        return await self._connection.call(Request("replace", resource, namespace, name), {}, manifest)

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
            await self._connection.call(Request("delete", resource, namespace, name), {}, options)
        except NotFound:
            return
