"""What the caches hold of one InferenceService, with defaults: one pod of one, routable."""

from typing import Any

from setpoint.controllers.inferenceservice.observe import CHILDREN, Snapshot
from setpoint.kube.objects import Object
from setpoint.kube.resources import DEPLOYMENTS, SERVICES, Resource
from setpoint.orchestrations.deployment import REVISION_ANNOTATION

NAMESPACE = "team-a"
NAME = "chat"
UID = "uid-1"
SERVICE_UID = "uid-service"
REVISION = "newest"
OWNER = {
    "apiVersion": "setpoint.dev/v1alpha1",
    "kind": "InferenceService",
    "name": NAME,
    "uid": UID,
    "controller": True,
}


def service_object(*, generation: int = 1, status: Object | None = None, **spec: Any) -> Object:
    """An InferenceService as the API server shows it; `spec` replaces whole fields of the default spec."""
    return {
        "apiVersion": "setpoint.dev/v1alpha1",
        "kind": "InferenceService",
        "metadata": {"namespace": NAMESPACE, "name": NAME, "uid": UID, "generation": generation},
        "spec": {"model": {"uri": "hf://meta-llama/Llama-3.1-8B"}, "replicas": 1, **spec},
        **({"status": status} if status is not None else {}),
    }


def pod(
    name: str = "chat-1",
    *,
    ready: bool = True,
    leaving: bool = False,
    unschedulable: str | None = None,
    waiting: tuple[str, str] | None = None,
    terminated: Object | None = None,
    container: str = "main",
    revision: str = REVISION,
    phase: str = "Running",
    mounted: bool = True,
) -> Object:
    """A pod; `waiting` is a container's reason and message, `terminated` its last end."""
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    if not mounted:
        conditions.append({"type": "PodReadyToStartContainers", "status": "False"})
    if unschedulable is not None:
        conditions.append(
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": unschedulable}
        )
    state: Object = {"running": {}}
    if waiting is not None:
        state = {"waiting": {"reason": waiting[0], "message": waiting[1]}}
    container_status: Object = {"name": container, "image": "example/vllm:1", "ready": ready, "state": state}
    if terminated is not None:
        container_status |= {"lastState": {"terminated": terminated}, "restartCount": 3}
    return {
        "metadata": {
            "namespace": NAMESPACE,
            "name": name,
            "uid": f"uid-{name}",
            "resourceVersion": "7",
            "annotations": {REVISION_ANNOTATION: revision},
            **({"deletionTimestamp": "2026-01-01T00:00:00Z"} if leaving else {}),
        },
        "status": {"phase": phase, "conditions": conditions, "containerStatuses": [container_status]},
    }


def endpoint_slice(*pods: str, ready: bool = True) -> Object:
    """The Service's endpoints."""
    return {
        "metadata": {
            "namespace": NAMESPACE,
            "name": "chat-abcde",
            "ownerReferences": [{"kind": "Service", "name": NAME, "uid": SERVICE_UID, "controller": True}],
        },
        "endpoints": [
            {"conditions": {"ready": ready}, "targetRef": {"kind": "Pod", "name": name}} for name in pods
        ],
    }


def live_deployment(
    *,
    wanted: int = 1,
    existing: int = 1,
    updated: int = 1,
    generation: int = 1,
    observed: int = 1,
    conditions: tuple[Object, ...] = (),
    paused: bool = False,
) -> Object:
    """The Deployment with its status."""
    return {
        "metadata": {
            "namespace": NAMESPACE,
            "name": NAME,
            "uid": "uid-deployment",
            "generation": generation,
            "ownerReferences": [OWNER],
        },
        "spec": {"replicas": wanted, **({"paused": True} if paused else {})},
        "status": {
            "observedGeneration": observed,
            "replicas": existing,
            "updatedReplicas": updated,
            "conditions": list(conditions),
        },
    }


def live_service() -> Object:
    """The Service."""
    metadata = {"namespace": NAMESPACE, "name": NAME, "uid": SERVICE_UID, "ownerReferences": [OWNER]}
    return {"metadata": metadata}


def snapshot(
    service: Object | None = None,
    *,
    deployment: Object | None = None,
    pods: tuple[Object, ...] = (),
    endpoint_slices: tuple[Object, ...] = (),
    children: dict[Resource, tuple[Object, ...]] | None = None,
) -> Snapshot:
    """A snapshot; with nothing given, of a service that was just created."""
    found: dict[Resource, tuple[Object, ...]] = dict.fromkeys(CHILDREN, ())
    if deployment is not None:
        found[DEPLOYMENTS] = (deployment,)
        found[SERVICES] = (live_service(),)
    return Snapshot(service or service_object(), found | (children or {}), pods, endpoint_slices)


def serving(service: Object | None = None) -> Snapshot:
    """A service whose one pod is routable and newest."""
    return snapshot(
        service, deployment=live_deployment(), pods=(pod(),), endpoint_slices=(endpoint_slice("chat-1"),)
    )
