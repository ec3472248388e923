"""What the caches know about one service that has a promise, gathered into a frozen snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass

from setpoint.controllers.inferenceservice.observe import INDEX, Cache
from setpoint.kube.objects import Key, Object, controller_uid
from setpoint.kube.resources import CONFIG_MAPS, INFERENCE_SERVICES, PODS, TUNING_CHECKPOINTS, Resource
from setpoint.orchestrations import live_limits
from setpoint.settings import KILL_SWITCH_KEY


@dataclass(frozen=True)
class Snapshot:
    """One service, its engines, and what they have been told, as the caches had it at one moment."""

    service: Object
    engines: tuple[str, ...]
    """Names of the pods that serve: each of them has to tell how it does."""
    told: str | None
    """The limits file that stands in the service's ConfigMap."""
    checkpoint: Object | None

    @property
    def key(self) -> Key:
        """Namespace and name."""
        return self.service["metadata"]["namespace"], self.service["metadata"]["name"]

    @property
    def uid(self) -> str:
        """The uid: the writer of the service's limits."""
        uid: str = self.service["metadata"]["uid"]
        return uid


def observe(caches: Mapping[Resource, Cache], key: Key) -> Snapshot | None:
    """Gather what the caches have; None when there is no such service, or it is being deleted."""
    service = caches[INFERENCE_SERVICES].get(*key)
    if service is None or "deletionTimestamp" in service["metadata"]:
        return None
    namespace, name = key
    uid = service["metadata"]["uid"]
    limits = caches[CONFIG_MAPS].get(namespace, live_limits.config_map_name(name))
    checkpoint = caches[TUNING_CHECKPOINTS].get(namespace, name)
    pods = caches[PODS].find(INDEX, f"{namespace}/{name}")
    return Snapshot(
        service=service,
        engines=tuple(pod["metadata"]["name"] for pod in pods if _serves(pod)),
        told=limits["data"].get(live_limits.KEY) if limits and _is_ours(limits, uid, "data") else None,
        checkpoint=checkpoint if checkpoint and _is_ours(checkpoint, uid, "spec") else None,
    )


def is_killed(caches: Mapping[Resource, Cache], key: Key | None) -> bool:
    """Whether the administrator's switch, a ConfigMap of that key, puts every engine back to its start."""
    switch = caches[CONFIG_MAPS].get(*key) if key else None
    return switch is not None and (switch.get("data") or {}).get(KILL_SWITCH_KEY) == "true"


def _is_ours(thing: Object, uid: str, field: str) -> bool:
    return controller_uid(thing) == uid and bool(thing.get(field))


def _serves(pod: Object) -> bool:
    conditions = {each["type"]: each["status"] for each in pod.get("status", {}).get("conditions", ())}
    return conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]
