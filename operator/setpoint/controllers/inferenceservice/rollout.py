"""How far the newest spec has come, counted from the Deployment, the pods and the Service's slices."""

from collections.abc import Iterable
from dataclasses import dataclass

from setpoint.api.reasons import Reason
from setpoint.api.status import ConditionType
from setpoint.controllers.inferenceservice.observe import Snapshot
from setpoint.kube.objects import Object, controller_uid
from setpoint.kube.resources import SERVICES
from setpoint.orchestrations.deployment import REVISION_ANNOTATION


@dataclass(frozen=True, slots=True)
class Rollout:
    """Counts of pods, and whether the newest pod template is the only one that serves."""

    wanted: int
    existing: int
    routable: int
    newest: int
    """Those of the routable ones that are of the newest pod template."""
    complete: bool


def routable_pods(snapshot: Snapshot) -> list[Object]:
    """Return the pods that get requests: ready themselves, and a ready endpoint of the service's own Service.

    Both are asked, because a slice can outlive its pod by a moment, and a pod is ready before it is in a
    slice. Without a Service of this very InferenceService nothing reaches a pod by its address.
    """
    owned = {service["metadata"]["uid"] for service in snapshot.owned(SERVICES)}
    endpoints = {
        endpoint["targetRef"]["name"]
        for endpoint_slice in snapshot.endpoint_slices
        if controller_uid(endpoint_slice) in owned
        for endpoint in endpoint_slice.get("endpoints") or ()
        if endpoint.get("conditions", {}).get("ready") and endpoint.get("targetRef", {}).get("kind") == "Pod"
    }
    return [pod for pod in snapshot.pods if pod["metadata"]["name"] in endpoints and _is_ready(pod)]


def of_revision(pods: Iterable[Object], revision: str) -> tuple[Object, ...]:
    """Return the pods that were made from the pod template of one revision."""
    return tuple(
        pod for pod in pods if pod["metadata"].get("annotations", {}).get(REVISION_ANNOTATION) == revision
    )


def is_observed(deployment: Object) -> bool:
    """Return whether a Deployment's status speaks of its newest spec."""
    return bool(
        deployment.get("status", {}).get("observedGeneration") == deployment["metadata"]["generation"]
    )


def was_completed(snapshot: Snapshot) -> bool:
    """Return whether the status says that the rollout of this very generation has been complete."""
    stands = snapshot.conditions.get(ConditionType.PROGRESSING)
    return (
        stands is not None
        and stands["reason"] == Reason.COMPLETE
        and stands["observedGeneration"] == snapshot.generation
    )


def measure(snapshot: Snapshot, *, wanted: int, revision: str | None) -> Rollout:
    """Count where the rollout of a revision stands; `wanted` is the number of pods that is pursued."""
    routable = routable_pods(snapshot)
    newest = len(of_revision(routable, revision)) if revision is not None else 0
    deployment = snapshot.deployment
    if deployment is None:
        return Rollout(wanted, 0, len(routable), newest, complete=False)
    status = deployment.get("status", {})
    existing: int = status.get("replicas", 0)
    complete = (
        revision is not None
        and is_observed(deployment)
        and deployment["spec"]["replicas"] == wanted
        and status.get("updatedReplicas", 0) == existing == wanted
        and newest >= wanted
    )
    return Rollout(wanted, existing, len(routable), newest, complete)


def _is_ready(pod: Object) -> bool:
    return "deletionTimestamp" not in pod["metadata"] and any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for condition in pod["status"].get("conditions", ())
    )
