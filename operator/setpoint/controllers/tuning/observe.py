"""What the caches know about one service that has a promise, gathered into a frozen snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass

from setpoint.controllers.inferenceservice.observe import INDEX, Cache, checkpoint_of, index_term
from setpoint.controllers.subject import Subject
from setpoint.kube.objects import Key, Object
from setpoint.kube.resources import CONFIG_MAPS, INFERENCE_SERVICES, PODS, Resource
from setpoint.orchestrations import live_limits
from setpoint.settings import KILL_SWITCH_KEY


@dataclass(frozen=True, slots=True)
class Snapshot(Subject):
    """One service, its engines, and what they have been told, as the caches had it at one moment."""

    engines: tuple[str, ...]
    """Names of the pods that serve: each of them has to tell how it does."""
    told: str | None
    """The limits file that stands in the service's ConfigMap."""
    checkpoint: Object | None


def observe(caches: Mapping[Resource, Cache], key: Key) -> Snapshot | None:
    """Gather what the caches have; None when there is no such service, or it is being deleted."""
    service = caches[INFERENCE_SERVICES].get(*key)
    if service is None or "deletionTimestamp" in service["metadata"]:
        return None
    namespace, name = key
    subject = Subject(service)
    limits = caches[CONFIG_MAPS].get(namespace, live_limits.config_map_name(name))
    pods = caches[PODS].find(INDEX, index_term(key))
    return Snapshot(
        service=service,
        engines=tuple(pod["metadata"]["name"] for pod in pods if _serves(pod)),
        told=(limits.get("data") or {}).get(live_limits.KEY) if limits and subject.controls(limits) else None,
        checkpoint=checkpoint_of(caches, subject),
    )


def is_killed(caches: Mapping[Resource, Cache], key: Key | None) -> bool:
    """Whether the administrator's switch, a ConfigMap of that key, puts every engine back to its start."""
    switch = caches[CONFIG_MAPS].get(*key) if key else None
    return switch is not None and (switch.get("data") or {}).get(KILL_SWITCH_KEY) == "true"


def _serves(pod: Object) -> bool:
    conditions = {each["type"]: each["status"] for each in pod.get("status", {}).get("conditions", ())}
    return conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]
