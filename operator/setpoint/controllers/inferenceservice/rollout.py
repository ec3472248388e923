"""How far the newest spec has come: counted from the Deployment's status and the Service's EndpointSlices."""

from dataclasses import dataclass

from setpoint.controllers.inferenceservice.observe import Snapshot


@dataclass(frozen=True, slots=True)
class Rollout:
    """Counts of pods, and whether the newest pod template is the only one that serves."""

    wanted: int
    existing: int
    routable: int
    complete: bool


def routable_pods(snapshot: Snapshot) -> frozenset[str]:
    """The names of the pods that get requests: ready themselves, and a ready endpoint of the Service.

    Both are asked, because a slice can outlive its pod by a moment, and a pod is ready before it is in a
    slice.
    """
    ready = {
        pod["metadata"]["name"]
        for pod in snapshot.pods
        if "deletionTimestamp" not in pod["metadata"]
        and any(
            condition["type"] == "Ready" and condition["status"] == "True"
            for condition in pod["status"].get("conditions", ())
        )
    }
    endpoints = {
        endpoint["targetRef"]["name"]
        for endpoint_slice in snapshot.endpoint_slices
        for endpoint in endpoint_slice.get("endpoints") or ()
        if endpoint.get("conditions", {}).get("ready") and endpoint.get("targetRef", {}).get("kind") == "Pod"
    }
    return frozenset(ready & endpoints)


def measure(snapshot: Snapshot, *, wanted: int) -> Rollout:
    """Count where the rollout stands; `wanted` is the number of pods that the spec asks for."""
    routable = len(routable_pods(snapshot))
    deployment = snapshot.deployment
    if deployment is None:
        return Rollout(wanted, 0, routable, complete=False)
    status = deployment.get("status", {})
    existing: int = status.get("replicas", 0)
    complete = (
        status.get("observedGeneration") == deployment["metadata"]["generation"]
        and deployment["spec"]["replicas"] == wanted
        and status.get("updatedReplicas", 0) == existing == wanted
        and routable >= wanted
    )
    return Rollout(wanted, existing, routable, complete)
