"""What the caches know about one InferenceService, gathered into a frozen snapshot.

Everything after this step is a function of the snapshot: a decision can be replayed from it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from setpoint.controllers.subject import Subject
from setpoint.kube.compare import manifest_hash
from setpoint.kube.informer import Watched, strip
from setpoint.kube.objects import Key, Object
from setpoint.kube.resources import (
    CONFIG_MAPS,
    CONTROLLER_REVISIONS,
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    INFERENCE_SERVICES,
    POD_DISRUPTION_BUDGETS,
    PODS,
    SERVICE_ACCOUNTS,
    SERVICES,
    TUNING_CHECKPOINTS,
    Resource,
)
from setpoint.orchestrations.deployment import MANAGED_BY, SERVICE_LABEL
from setpoint.orchestrations.live_channel import is_plugin

CHILDREN = (
    CONFIG_MAPS,
    SERVICE_ACCOUNTS,
    CONTROLLER_REVISIONS,
    SERVICES,
    POD_DISRUPTION_BUDGETS,
    DEPLOYMENTS,
)
"""What the controller applies, in this order: what a pod refers to comes before the pods."""


def _pod_status(pod: Object) -> Object:
    """A pod without its spec, which nobody reads and which is most of it."""
    return strip({field: value for field, value in pod.items() if field != "spec"})


def _digested(config_map: Object) -> Object:
    """A ConfigMap whose data is replaced by its hash where it is the plugin's: 50 kB for each service."""
    kept = strip(config_map)
    service = kept["metadata"].get("labels", {}).get(SERVICE_LABEL, "")
    if not is_plugin(service, kept["metadata"]["name"]) or "data" not in kept:
        return kept
    return kept | {"data": {"hash": manifest_hash(kept["data"])}}


_OURS = f"app.kubernetes.io/managed-by={MANAGED_BY}"
# The kill switch too: Helm writes managed-by: Helm on whatever it installs, whatever the chart says.
_OURS_AND_SWITCH = (
    f"app.kubernetes.io/managed-by in ({MANAGED_BY},Helm),app.kubernetes.io/component in (engine,kill-switch)"
)
WATCHED: Mapping[Resource, Watched] = {
    INFERENCE_SERVICES: Watched(),
    **dict.fromkeys(CHILDREN, Watched(_OURS)),
    CONFIG_MAPS: Watched(_OURS_AND_SWITCH, _digested),
    PODS: Watched(_OURS, _pod_status),
    TUNING_CHECKPOINTS: Watched(_OURS),
    # The EndpointSlice controller copies the Service's labels.
    ENDPOINT_SLICES: Watched(_OURS),
}
"""Each kind that is read."""
INDEX = "inferenceservice"
"""Name of the caches' index under which all objects of one InferenceService are found."""


class Cache(Protocol):
    """The cached objects of one kind (`kube.store.Store` is one)."""

    def get(self, namespace: str, name: str) -> Object | None:
        """A copy of one object."""

    def find(self, index: str, value: str) -> list[Object]:
        """Copies of the objects which the named index has under this value."""


@dataclass(frozen=True, slots=True)
class Snapshot(Subject):
    """One InferenceService and all that belongs to it, as the caches had it at one moment."""

    children: Mapping[Resource, tuple[Object, ...]]
    pods: tuple[Object, ...]
    endpoint_slices: tuple[Object, ...]
    checkpoint: Object | None = None
    """What the tuner wants of the engines, in a TuningCheckpoint of this very service."""

    @property
    def deployment(self) -> Object | None:
        """The Deployment that runs the engine."""
        return next(iter(self.owned(DEPLOYMENTS)), None)

    def owned(self, resource: Resource) -> list[Object]:
        """The children of a kind that this very InferenceService controls."""
        return [child for child in self.children[resource] if self.controls(child)]

    def ours(self, resource: Resource) -> list[Object]:
        """The children of a kind that this InferenceService controls, or may take back: those of no owner."""
        return [
            child
            for child in self.children[resource]
            if self.controls(child) or not child["metadata"].get("ownerReferences")
        ]

    def live(self, resource: Resource, name: str) -> Object | None:
        """The child of that kind and name, if this InferenceService controls it."""
        return next((child for child in self.owned(resource) if child["metadata"]["name"] == name), None)


def service_key(resource: Resource, thing: Object) -> Key | None:
    """The InferenceService that an event of a watched kind is about."""
    metadata = thing["metadata"]
    name = (
        metadata["name"] if resource is INFERENCE_SERVICES else metadata.get("labels", {}).get(SERVICE_LABEL)
    )
    return None if name is None else (metadata["namespace"], name)


def index_terms(thing: Object) -> Iterable[str]:
    """The caches' index `INDEX`: the label is unique within a namespace."""
    name = thing["metadata"].get("labels", {}).get(SERVICE_LABEL)
    return () if name is None else (index_term((thing["metadata"]["namespace"], name)),)


def observe(caches: Mapping[Resource, Cache], key: Key) -> Snapshot | None:
    """Gather what the caches have; None when there is no such InferenceService."""
    service = caches[INFERENCE_SERVICES].get(*key)
    if service is None:
        return None
    term = index_term(key)
    return Snapshot(
        service=service,
        children={resource: tuple(caches[resource].find(INDEX, term)) for resource in CHILDREN},
        pods=tuple(caches[PODS].find(INDEX, term)),
        endpoint_slices=tuple(caches[ENDPOINT_SLICES].find(INDEX, term)),
        checkpoint=checkpoint_of(caches, Subject(service)),
    )


def checkpoint_of(caches: Mapping[Resource, Cache], subject: Subject) -> Object | None:
    """The service's own TuningCheckpoint; one that somebody else made under its name is none."""
    found = caches[TUNING_CHECKPOINTS].get(*subject.key)
    return found if found is not None and subject.controls(found) else None


def index_term(key: Key) -> str:
    """Under what `INDEX` has the objects of one InferenceService."""
    return "/".join(key)
