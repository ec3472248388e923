"""The operator's loop, in this process, against a real API server: started, watched, killed."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from setpoint.kube.client import KubeClient, Request
from setpoint.kube.election import Elector
from setpoint.kube.objects import Object
from setpoint.kube.permissions import LEASE_NAME, allows
from setpoint.kube.resources import LEASES, Resource
from setpoint.manager import Manager, fence
from setpoint.runtime import manager_for
from setpoint.settings import Settings
from tests.apiserver import ApiServer, until
from tests.controllers.inferenceservice.users import WRITES_TO_CREATE, create, service

RBAC_VERBS = {"apply": "patch", "replace": "update"}
_lease_namespaces = itertools.count()


class Killed(BaseException):
    """The process was killed: nothing in it can catch that."""


def _nothing(_: Request) -> None:
    pass


@dataclass(frozen=True)
class Hooks:
    """What is called before a request is sent, and after it was carried out."""

    before: Callable[[Request], None] = _nothing
    after: Callable[[Request], None] = _nothing


@dataclass
class Operator:
    """One running operator, and every request that it made about objects of one namespace."""

    manager: Manager
    client: KubeClient
    namespace: str
    requests: list[Request] = field(default_factory=list)

    @property
    def reads(self) -> list[Request]:
        """Its reads since the last `forget_requests`."""
        return [request for request in self.requests if not request.is_write]

    @property
    def writes(self) -> list[Request]:
        """Its writes since the last `forget_requests`."""
        return [request for request in self.requests if request.is_write]

    def forget_requests(self) -> None:
        """Count from now on."""
        self.requests.clear()

    async def quiet(self) -> None:
        """Wait until it leads, has seen all that it wrote, and has nothing left to do."""
        await until(lambda: self.manager.leading and self.manager.idle)

    async def has_seen(self, resource: Resource, version: str) -> None:
        """Wait until its cache of a kind has come as far as a resourceVersion, and the work that followed is
        done.
        """
        store = self.manager._informers[resource].store
        await until(lambda: store.version >= int(version) and self.manager.idle)


def _check_permission(request: Request) -> None:
    verb = RBAC_VERBS.get(request.verb, request.verb)
    group, plural = request.resource.group, request.resource.plural
    assert allows(verb, group, plural, request.subresource or "", name=request.name or ""), request


@asynccontextmanager
async def operator(
    api_server: ApiServer,
    namespace: str,
    *,
    settings: Settings | None = None,
    hooks: Hooks | None = None,
) -> AsyncIterator[Operator]:
    """Run the operator; `hooks` see each of its requests about `namespace`, and may raise Killed.

    A killed operator leaves its Lease held, as a real one does; each gets a Lease of its own, so that the
    next need not wait for it to run out.
    """
    hooks = hooks or Hooks()

    def on_request(request: Request) -> None:
        _check_permission(request)
        fence(lambda: elector)(request)
        if request.namespace == namespace and request.resource != LEASES:
            running.requests.append(request)
            hooks.before(request)

    def on_response(request: Request) -> None:
        if request.namespace == namespace and request.resource != LEASES:
            hooks.after(request)

    lease_namespace = await api_server.create_namespace(f"lease-{next(_lease_namespaces)}")
    async with api_server.client(on_request=on_request, on_response=on_response) as client:
        elector = Elector(client, namespace=lease_namespace, name=LEASE_NAME, identity="operator")
        running = Operator(manager_for(client, elector, settings or Settings()), client, namespace)
        task = asyncio.create_task(_run(running.manager))
        try:
            yield running
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _run(manager: Manager) -> None:
    # A kill ends the manager's tasks and nothing else, as the end of a process would.
    with suppress(BaseExceptionGroup):
        await manager.run()


@asynccontextmanager
async def with_service(
    api_server: ApiServer, kube: KubeClient, namespace: str, *, settings: Settings | None = None
) -> AsyncIterator[tuple[Operator, Object]]:
    """Run the operator on a service that it has just created all of; requests are counted from then on."""
    async with operator(api_server, namespace, settings=settings) as running:
        created = await create(kube, service(namespace))
        await until(lambda: len(running.writes) >= WRITES_TO_CREATE)
        await running.quiet()
        running.forget_requests()
        yield running, created


async def settled_service(
    api_server: ApiServer, kube: KubeClient, namespace: str, *, settings: Settings | None = None
) -> Object:
    """Return a service that an operator, gone since, has created all of."""
    async with with_service(api_server, kube, namespace, settings=settings) as (_, created):
        return created
