"""One process of the operator: the caches, the election, the queue, and the workers that drain it.

Every replica keeps its caches warm; only the one that holds the Lease reconciles. A replica that loses the
Lease, or one of whose parts dies, ends: starting anew is the one recovery that is always tested.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol, TypeAlias

from setpoint.kube.client import KubeClient, Request
from setpoint.kube.election import Elector, LeadershipLost
from setpoint.kube.errors import ApiError
from setpoint.kube.informer import Informer, Watched
from setpoint.kube.objects import Key, Object
from setpoint.kube.resources import LEASES, Resource
from setpoint.kube.store import Index
from setpoint.kube.workqueue import WorkQueue

logger = logging.getLogger(__name__)

WORKERS = 8
RECONCILE_SECONDS = 120
"""A reconcile makes a handful of requests; one that takes longer is given up and tried again."""


class Controller(Protocol):
    """What reconciles the keys."""

    async def reconcile(self, key: Key) -> bool:
        """Bring one object to its end; False asks for another try."""


class Loop(Protocol):
    """What goes round by itself."""

    async def run(self) -> None:
        """Run until cancelled."""


MakeLoop: TypeAlias = Callable[[KubeClient, Mapping[Resource, Informer]], Loop]


class Manager:
    """Runs one controller over the caches of the kinds that it reads."""

    def __init__(
        self,
        client: KubeClient,
        *,
        root: Resource,
        watched: Mapping[Resource, Watched],
        key_of: Callable[[Resource, Object], Key | None],
        indexes: Mapping[str, Index],
        make_controller: Callable[[KubeClient, Mapping[Resource, Informer]], Controller],
        elector: Elector,
        make_loop: MakeLoop | None = None,
    ) -> None:
        """`root` is the kind that is reconciled; `watched` has every kind that is read. What `make_loop`
        returns runs beside the workers, while this replica leads.
        """
        self._elector = elector
        self._root = root
        self._key_of = key_of
        self._queue: WorkQueue[Key] = WorkQueue()
        self._took_over = False
        self._informers = {
            resource: Informer(
                client,
                resource,
                watched=selection,
                on_change=partial(self._changed, resource),
                indexes=indexes,
            )
            for resource, selection in watched.items()
        }
        self._controller = make_controller(client, self._informers)
        self._loop = make_loop(client, self._informers) if make_loop else None

    @property
    def synced(self) -> bool:
        """Whether every cache has seen its first list."""
        return all(informer.synced.is_set() for informer in self._informers.values())

    @property
    def leading(self) -> bool:
        """Whether this replica is the one that reconciles."""
        return self._elector.is_leader

    @property
    def idle(self) -> bool:
        """Whether this replica has taken over, nothing is queued, and nobody works."""
        return self._took_over and self._queue.idle

    def wake(self, key: Key) -> None:
        """Have a key reconciled soon; a standby looks at every key anyway when it takes over."""
        if self._elector.leading.is_set():
            self._queue.add(key)

    async def run(self) -> None:
        """Run until cancelled. Raises what ends any of the parts, LeadershipLost among it."""
        async with asyncio.TaskGroup() as caches:
            for informer in self._informers.values():
                caches.create_task(informer.run())
            caches.create_task(self._lead())

    async def _lead(self) -> None:
        for informer in self._informers.values():
            await informer.synced.wait()
        election = asyncio.create_task(self._elector.run())
        try:
            await asyncio.wait(
                {election, waiting := asyncio.create_task(self._elector.leading.wait())},
                return_when=asyncio.FIRST_COMPLETED,
            )
            waiting.cancel()
            async with asyncio.TaskGroup() as workers:
                workers.create_task(_ended(election))
                for key in self._informers[self._root].store.keys():  # noqa: SIM118  a Store is no dict
                    self._queue.add(key)
                self._took_over = True
                if self._loop is not None:
                    workers.create_task(self._loop.run())
                for _ in range(WORKERS):
                    workers.create_task(self._work())
        finally:
            # The Lease is given back last, when no worker of ours can write any more.
            election.cancel()
            await asyncio.wait({election})

    async def _work(self) -> None:
        while True:
            key = await self._queue.get()
            try:
                await self._reconcile(key)
            finally:
                self._queue.done(key)

    async def _reconcile(self, key: Key) -> None:
        try:
            async with asyncio.timeout(RECONCILE_SECONDS):
                settled = await self._controller.reconcile(key)
        except (ApiError, TimeoutError) as error:
            logger.warning("%s/%s: %s; trying again", *key, error or "took too long")
            settled = False
        except LeadershipLost:
            raise
        except Exception:
            # One object that the code cannot handle must not stop the others from being reconciled.
            logger.exception("%s/%s: trying again", *key)
            settled = False
        if settled:
            self._queue.forget(key)
        else:
            self._queue.add_rate_limited(key)

    def _changed(self, resource: Resource, old: Object | None, new: Object | None) -> None:
        for thing in (old, new):
            if thing is not None and (key := self._key_of(resource, thing)) is not None:
                self.wake(key)


async def _ended(election: asyncio.Task[None]) -> None:
    await asyncio.wait({election})
    raise LeadershipLost("this replica no longer holds the lease")


def fence(elector: Callable[[], Elector]) -> Callable[[Request], None]:
    """Return the hook that refuses every write, but of the Lease itself, unless this replica leads."""

    def check(request: Request) -> None:
        if request.is_write and request.resource != LEASES:
            elector().check()

    return check
