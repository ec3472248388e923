"""Write an object only when it differs from what we want, and never one that is not ours."""

from collections.abc import Callable
from functools import partial

from setpoint.kube.client import KubeClient
from setpoint.kube.compare import differs, manifest_hash
from setpoint.kube.errors import Conflict
from setpoint.kube.objects import Object, controller_reference, controller_uid
from setpoint.kube.resources import Resource

_NO_VERSION = "1"
"""A resourceVersion that no object has: etcd counts from 1, so the first object written gets 2.

An apply with it creates what is absent and ends in a conflict on what is there, checked in the very
transaction (measured on 1.37, for each kind that Setpoint makes). Without it an apply is merged into an
object that somebody made since we looked, without a conflict where no field overlaps.
"""


class Foreign(Exception):  # noqa: N818
    """An object of the name that we need exists and belongs to somebody else. It is never touched.

    The message says whose it is, and what to do about it.
    """

    def __init__(self, live: Object, desired: Object) -> None:
        metadata = live["metadata"]
        self.kind: str = live["kind"]
        self.namespace: str = metadata.get("namespace", "")
        self.name: str = metadata["name"]
        owner = controller_reference(live)
        self.of_namesake: bool = _address(owner) == _address(controller_reference(desired))
        """The controller is an earlier object of our owner's kind and name, deleted since: the garbage
        collector is about to take the live object away.
        """
        going = bool(metadata.get("deletionTimestamp"))
        if owner is None:
            whose = "has no controller"
        else:
            whose = f"is controlled by {'an earlier ' * self.of_namesake}{owner['kind']} {owner['name']}"
        remedy = "wait until it is gone" if going or self.of_namesake else "delete it, or choose another name"
        super().__init__(
            f"{self.kind} {self.namespace}/{self.name} exists and {whose}"
            f"{' and is being deleted' * going}: {remedy}"
        )


def _address(reference: Object | None) -> tuple[str, str, str] | None:
    """The group, kind and name that an owner reference gives; versions of a group are one kind."""
    if reference is None:
        return None
    return reference["apiVersion"].rpartition("/")[0], reference["kind"], reference["name"]


class Applier:
    """Brings owned objects to their manifests by server-side apply under one field manager."""

    def __init__(
        self,
        client: KubeClient,
        *,
        owner: Resource,
        field_manager: str,
        hash_annotation: str,
        observe: Callable[[Resource, Object], None],
        kept: Callable[[Resource, Object], Object] = lambda _, manifest: manifest,
    ) -> None:
        """`owner` is the kind of the controlling owners. `observe` is told of every answer to a write, so
        that the cache reads our own writes. `kept` cuts an object to what the cache keeps of it.
        """
        self._client = client
        self._owner = owner
        self._field_manager = field_manager
        self._hash_annotation = hash_annotation
        self._kept = kept
        self._observe = observe

    async def reconcile(
        self, resource: Resource, desired: Object, live: Object | None, owner_uid: str
    ) -> Object | None:
        """Make the live object say what `desired` does; return it as written, or None when nothing was to do.

        `live` is the cached object, None when the owner's children have none of that name. `owner_uid` is the
        controlling owner that `desired` names in its owner references. An object of ours that has lost its
        owner reference is taken back. Raises Foreign when the live object has another controller, or has none
        and was never ours; Conflict when it is not the one that the cache shows, or was made since we looked,
        or is to be taken back for an owner that is gone or going: look again.
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
                if not self._was_ours(live, desired):
                    raise Foreign({"kind": resource.kind} | live, desired)
                await self._check_owner(desired)
            if not differs(desired, live, self._hash_annotation, kept=partial(self._kept, resource)):
                self._observe(resource, live)
                return None
        written = await self._client.apply(
            resource,
            namespace,
            name,
            self._signed(desired, live),
            field_manager=self._field_manager,
        )
        self._observe(resource, written)
        return written

    def _was_ours(self, live: Object, desired: Object) -> bool:
        """Whether the live object is of nobody now and bears our labels and our apply: somebody has taken its
        owner reference away, or has deleted the owner and orphaned it.
        """
        metadata = live["metadata"]
        if metadata.get("ownerReferences") or metadata.get("deletionTimestamp"):
            return False
        labels = desired["metadata"].get("labels") or {}
        applied = any(
            entry["manager"] == self._field_manager and entry["operation"] == "Apply"
            for entry in metadata.get("managedFields") or ()
        )
        return applied and labels.items() <= (metadata.get("labels") or {}).items()

    async def _check_owner(self, desired: Object) -> None:
        """Raise Conflict unless the API server itself has the owner, and to stay. The cache may be late: what
        is given back to an owner that was deleted, its children orphaned, the garbage collector deletes.
        """
        metadata, owner = desired["metadata"], controller_reference(desired) or {}
        live = await self._client.get(self._owner, metadata.get("namespace"), owner["name"])
        found = live["metadata"] if live else {}
        if found.get("uid") != owner["uid"] or "deletionTimestamp" in found:
            raise Conflict(
                409, "Conflict", f"{owner['kind']} {owner['name']} of uid {owner['uid']} is gone or going"
            )

    def _signed(self, desired: Object, live: Object | None) -> Object:
        """The manifest with its hash, meant for this very object, or for none that is there yet."""
        metadata = desired["metadata"]
        annotations = (metadata.get("annotations") or {}) | {self._hash_annotation: manifest_hash(desired)}
        identity = {"uid": live["metadata"]["uid"]} if live else {"resourceVersion": _NO_VERSION}
        return desired | {"metadata": metadata | {"annotations": annotations} | identity}
