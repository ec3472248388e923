"""One kind of object, kept in memory by LIST and WATCH.

The cache outlives every break of the watch: a short one is resumed where it ended, a long one (the API server
forgot our version) is mended by a new list, which also tells what was deleted in the meantime. It never
relies on having seen every event.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass

from setpoint.kube.backoff import backoff_seconds
from setpoint.kube.client import KubeClient
from setpoint.kube.errors import ApiError, Expired
from setpoint.kube.objects import Object, version_of
from setpoint.kube.resources import Resource
from setpoint.kube.store import Change, Index, Store

logger = logging.getLogger(__name__)

OnChange = Callable[[Object | None, Object | None], None]
"""Called with the object before and after; None stands for not there."""

_BASE_SECONDS = 0.25
_CAP_SECONDS = 5.0
_FAILURES_UNTIL_LIST = 5

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def strip(obj: Object) -> Object:
    """Leave out what no controller reads and what can be larger than all the rest: the managed fields, and
    kubectl's copy of the object in an annotation.
    """
    metadata = dict(obj["metadata"])
    metadata.pop("managedFields", None)
    if _LAST_APPLIED in metadata.get("annotations", ()):
        metadata["annotations"] = {k: v for k, v in metadata["annotations"].items() if k != _LAST_APPLIED}
    return obj | {"metadata": metadata}


@dataclass(frozen=True, slots=True)
class Watched:
    """Which objects of a kind are followed, and what is kept of each."""

    label_selector: str = ""
    transform: Callable[[Object], Object] = strip


class Informer:
    """Keeps `store` equal to what the API server has, and tells of every change that `transform` lets
    through.
    """

    def __init__(
        self,
        client: KubeClient,
        resource: Resource,
        *,
        on_change: OnChange,
        watched: Watched = Watched(),
        indexes: Mapping[str, Index] | None = None,
    ) -> None:
        self.resource = resource
        self.store = Store(indexes)
        self.synced = asyncio.Event()
        """Set once the first list is in the store and was told of."""
        self._client = client
        self._label_selector = watched.label_selector
        self.kept = watched.transform
        """What the store keeps of an object."""
        self._on_change = on_change
        self._resume_from: str | None = None
        self._failures = 0

    async def run(self) -> None:
        """Follow the API server until cancelled. No error of the API server ends it."""
        while True:
            try:
                if self._resume_from is None:
                    self._resume_from = await self._list()
                await self._watch(self._resume_from)
            except Expired:
                logger.info("%s: the watch fell too far behind, listing anew", self.resource.plural)
                self._resume_from = None
            except ApiError as error:
                logger.warning("%s: %s; trying again", self.resource.plural, error)
            await asyncio.sleep(
                backoff_seconds(self._failures, base_seconds=_BASE_SECONDS, cap_seconds=_CAP_SECONDS)
            )
            self._failures += 1
            if self._failures % _FAILURES_UNTIL_LIST == 0:
                # Whatever is wrong with this version, a list does not depend on it.
                self._resume_from = None

    def observe_write(self, obj: Object) -> None:
        """Take over the API server's answer to a write of ours at once, instead of when the watch shows it.

        The object has to match the informer's label selector: the watch will not tell of others.
        """
        self._tell(self.store.observe(self.store.freeze(self.kept(obj))))

    async def _list(self) -> str:
        frozen = []
        version = ""
        async with aclosing(self._client.pages(self.resource, label_selector=self._label_selector)) as pages:
            async for page, version in pages:  # noqa: B007
                frozen += [self.store.freeze(self.kept(obj)) for obj in page]
        for change in self.store.replace(frozen, int(version)):
            self._tell(change)
        self.synced.set()
        return version

    async def _watch(self, version: str) -> None:
        watch = self._client.watch(
            self.resource, resource_version=version, label_selector=self._label_selector
        )
        async with aclosing(watch) as events:
            async for event in events:
                self._take(event["type"], event["object"])
                self._resume_from = event["object"]["metadata"]["resourceVersion"]
                self._failures = 0

    def _take(self, kind_of_event: str, obj: Object) -> None:
        if kind_of_event == "BOOKMARK":
            self.store.advance(version_of(obj))
            return
        frozen = self.store.freeze(self.kept(obj))
        self._tell(self.store.delete(frozen) if kind_of_event == "DELETED" else self.store.upsert(frozen))

    def _tell(self, change: Change | None) -> None:
        if change is not None:
            self._on_change(
                change.old.thaw() if change.old else None,
                change.new.thaw() if change.new else None,
            )
