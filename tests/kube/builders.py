"""Raw objects with defaults."""

from typing import Any

from setpoint.kube.objects import Object


def config_map(
    name: str = "settings",
    *,
    namespace: str = "team-a",
    version: int | None = None,
    uid: str | None = None,
    owner_uid: str | None = None,
    labels: dict[str, str] | None = None,
    data: dict[str, str] | None = None,
) -> Object:
    """A ConfigMap; with `version` and `uid` as the API server would show it."""
    metadata: dict[str, Any] = {"name": name, "namespace": namespace}
    if version is not None:
        metadata["resourceVersion"] = str(version)
        metadata["uid"] = uid or f"uid-of-{name}"
    if labels is not None:
        metadata["labels"] = labels
    if owner_uid is not None:
        metadata["ownerReferences"] = [owner_reference(owner_uid)]
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data or {"a": "1"}}


def owner_reference(uid: str, *, controller: bool = True) -> Object:
    """A reference to an owner of no matter which kind."""
    return {
        "apiVersion": "setpoint.dev/v1alpha1",
        "kind": "InferenceService",
        "name": "chat",
        "uid": uid,
        "controller": controller,
    }


def present(obj: Object | None) -> Object:
    """The object, which has to be there."""
    assert obj is not None
    return obj
