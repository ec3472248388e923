"""Raw API objects, and the few facts about them that every module here needs."""

from typing import Any, TypeAlias

Object: TypeAlias = dict[str, Any]
"""One API object, exactly as JSON decodes it."""

Key: TypeAlias = tuple[str, str]
"""(namespace, name); the namespace of a cluster-scoped object is empty."""


def key_of(obj: Object) -> Key:
    """The object's address among those of its kind."""
    metadata = obj["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def version_of(obj: Object) -> int:
    """The resourceVersion as a number, so that two versions of one kind can be put in order.

    Kubernetes 1.35 and newer promise that this is allowed (KEP-5504, comparable resource versions); before
    that it was true of every real API server. 0 when the object has none.
    """
    return int(obj["metadata"].get("resourceVersion") or 0)


def controller_reference(obj: Object) -> Object | None:
    """The owner reference that says `controller: true`; the API allows one at most."""
    references: list[Object] = obj["metadata"].get("ownerReferences") or []
    return next((reference for reference in references if reference.get("controller")), None)


def controller_uid(obj: Object) -> str | None:
    """The uid of the owner whose reference says `controller: true`."""
    reference = controller_reference(obj)
    return str(reference["uid"]) if reference else None
