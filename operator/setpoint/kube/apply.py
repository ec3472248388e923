"""Write an object only when it differs from what we want, and never one that is not ours."""

from collections.abc import Callable

from setpoint.kube.client import KubeClient
from setpoint.kube.compare import differs, manifest_hash
from setpoint.kube.objects import Object, controller_uid
from setpoint.kube.resources import Resource

__all__ = ["Applier", "Foreign", "differs", "manifest_hash"]


class Foreign(Exception):  # noqa: N818
    """An object of the name that we need exists and belongs to somebody else. It is never touched."""

    def __init__(self, live: Object) -> None:
        metadata = live["metadata"]
        self.kind: str = live["kind"]
        self.namespace: str = metadata.get("namespace", "")
        self.name: str = metadata["name"]
        owner = next((o for o in metadata.get("ownerReferences") or () if o.get("controller")), None)
        whose = f"is controlled by {owner['kind']} {owner['name']}" if owner else "has no controller"
        going = " and is being deleted" if metadata.get("deletionTimestamp") else ""
        super().__init__(
            f"{self.kind} {self.namespace}/{self.name} exists and {whose}{going}: delete or rename it"
        )


class Applier:
    """Brings owned objects to their manifests by server-side apply under one field manager."""

    def __init__(
        self,
        client: KubeClient,
        *,
        field_manager: str,
        hash_annotation: str,
        observe: Callable[[Resource, Object], None],
    ) -> None:
        """`observe` is told of every answer to a write, so that the cache reads our own writes."""
        self._client = client
        self._field_manager = field_manager
        self._hash_annotation = hash_annotation
        self._observe = observe

    async def reconcile(
        self, resource: Resource, desired: Object, live: Object | None, owner_uid: str
    ) -> Object | None:
        """Make the live object say what `desired` does; return it as written, or None when nothing was to do.

        `live` is the cached object, None when the owner's children have none of that name. `owner_uid` is the
        controlling owner that `desired` names in its owner references. Raises Foreign when the live object
        has another controller, or none; Conflict when it is not the one that the cache shows: look again.
        """
        if controller_uid(desired) != owner_uid:
            raise ValueError(
                f"{resource.kind} {desired['metadata']['name']} does not name {owner_uid} as its controller"
            )
        namespace, name = desired["metadata"].get("namespace"), desired["metadata"]["name"]
        if live is None:
            # The cache does not tell whether somebody else's object has this name, or is only late.
            live = await self._client.get(resource, namespace, name)
        if live is not None:
            if controller_uid(live) != owner_uid:
                raise Foreign({"kind": resource.kind} | live)
            if not differs(desired, live, self._hash_annotation):
                self._observe(resource, live)
                return None
        written = await self._client.apply(
            resource,
            namespace,
            name,
            self._signed(desired, live),
            field_manager=self._field_manager,
            # An object that somebody made since we looked shows itself by a conflict, where force would take
            # it over.
            force=live is not None,
        )
        self._observe(resource, written)
        return written

    def _signed(self, desired: Object, live: Object | None) -> Object:
        """The manifest with its hash, and with the uid of the very object it is meant for."""
        metadata = desired["metadata"]
        annotations = (metadata.get("annotations") or {}) | {self._hash_annotation: manifest_hash(desired)}
        identity = {"uid": live["metadata"]["uid"]} if live else {}
        return desired | {"metadata": metadata | {"annotations": annotations} | identity}
