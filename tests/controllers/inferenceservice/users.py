"""What users and the rest of the cluster do to an InferenceService on a real API server, and what they see.

There is no controller-manager: what it would do once a pod serves, `pod_is_routable` does.
"""

import json

from setpoint.controllers.inferenceservice.observe import CHILDREN
from setpoint.kube.client import KubeClient
from setpoint.kube.objects import Object
from setpoint.kube.resources import (
    CONFIG_MAPS,
    CONTROLLER_REVISIONS,
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    INFERENCE_SERVICES,
    PODS,
    SERVICES,
    Resource,
)
from tests.apiserver import ApiServer
from tests.kubectl import kubectl

NAME = "chat"
CREATED = (CONFIG_MAPS, *CHILDREN, INFERENCE_SERVICES)
"""What is written for a new service, in order: the first ConfigMap is the plugin, the second its limits."""
WRITES_TO_CREATE = len(CREATED)


async def create(kube: KubeClient, service: Object) -> Object:
    """Create an InferenceService as a user would."""
    return await kube.create(INFERENCE_SERVICES, service["metadata"]["namespace"], service)


async def change(kube: KubeClient, service: Object, **spec: object) -> Object:
    """Change whole fields of the spec as a user would."""
    namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]
    manifest = {
        "apiVersion": service["apiVersion"],
        "kind": service["kind"],
        "metadata": {"name": name},
        "spec": service["spec"] | spec,
    }
    return await kube.apply(INFERENCE_SERVICES, namespace, name, manifest, field_manager="user")


def service(namespace: str, **spec: object) -> Object:
    return {
        "apiVersion": "setpoint.dev/v1alpha1",
        "kind": "InferenceService",
        "metadata": {"namespace": namespace, "name": NAME},
        "spec": {"model": {"uri": "hf://meta-llama/Llama-3.1-8B"}, **spec},
    }


async def live(kube: KubeClient, namespace: str) -> Object:
    found = await kube.get(INFERENCE_SERVICES, namespace, NAME)
    assert found is not None
    return found


async def deployment(kube: KubeClient, namespace: str) -> Object:
    found = await kube.get(DEPLOYMENTS, namespace, NAME)
    assert found is not None
    return found


async def limits(kube: KubeClient, namespace: str) -> Object:
    """The limits file in the ConfigMap."""
    found = await kube.get(CONFIG_MAPS, namespace, f"{NAME}-limits")
    assert found is not None
    content: Object = json.loads(found["data"]["limits.json"])
    return content


async def told(kube: KubeClient, namespace: str) -> Object:
    """The limits file in the pod's annotation; empty before there is one."""
    pod = await kube.get(PODS, namespace, "chat-1")
    assert pod is not None
    content: Object = json.loads(pod["metadata"]["annotations"].get("setpoint.dev/limits", "{}"))
    return content


def condition(of: Object, kind: str) -> tuple[str, str]:
    found = next(item for item in of["status"]["conditions"] if item["type"] == kind)
    return found["status"], found["reason"]


async def pod_is_routable(kube: KubeClient, namespace: str) -> None:
    """Do what deployment controller, kubelet and EndpointSlice controller do once the pod serves."""
    owner = await deployment(kube, namespace)
    address = await kube.get(SERVICES, namespace, NAME)
    assert address is not None
    template = owner["spec"]["template"]
    labels = template["metadata"]["labels"]
    metadata = {"namespace": namespace, "name": "chat-1", **template["metadata"]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
    await kube.create(PODS, namespace, pod)
    ready = {"type": "Ready", "status": "True"}
    await set_status(kube, PODS, "chat-1", namespace, {"conditions": [ready]})
    endpoints = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "namespace": namespace,
            "name": "chat-slice",
            "labels": labels,
            "ownerReferences": [
                {
                    "apiVersion": "v1",
                    "kind": "Service",
                    "name": NAME,
                    "uid": address["metadata"]["uid"],
                    "controller": True,
                }
            ],
        },
        "addressType": "IPv4",
        "endpoints": [
            {
                "addresses": ["10.1.2.3"],
                "conditions": {"ready": True},
                "targetRef": {"kind": "Pod", "namespace": namespace, "name": "chat-1"},
            }
        ],
    }
    await kube.create(ENDPOINT_SLICES, namespace, endpoints)
    generation = owner["metadata"]["generation"]
    counts = {"observedGeneration": generation, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1}
    await set_status(kube, DEPLOYMENTS, NAME, namespace, counts)


async def pod_is_replaced(kube: KubeClient, namespace: str) -> None:
    """Let the pod be one of the newest template."""
    template = (await deployment(kube, namespace))["spec"]["template"]
    pod = await kube.get(PODS, namespace, "chat-1")
    assert pod is not None
    pod["metadata"]["annotations"] = template["metadata"]["annotations"]
    await kube.replace(PODS, namespace, "chat-1", pod)


def orphan(api_server: ApiServer, child: Object) -> None:
    """Take an object's owner references away, as `kubectl delete --cascade=orphan` does through the garbage
    collector.
    """
    name, namespace = child["metadata"]["name"], child["metadata"]["namespace"]
    done = kubectl(
        f"--kubeconfig={api_server.kubeconfig}",
        "patch",
        child["kind"],
        name,
        f"--namespace={namespace}",
        "--type=merge",
        '--patch={"metadata": {"ownerReferences": null}}',
    )
    assert done.returncode == 0, done.stderr


async def set_status(
    kube: KubeClient, resource: Resource, name: str, namespace: str, status: Object
) -> Object:
    manifest = {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {"name": name},
        "status": status,
    }
    return await kube.apply(
        resource, namespace, name, manifest, field_manager="cluster", subresource="status"
    )


async def revisions(kube: KubeClient, namespace: str) -> list[Object]:
    """The stored pod templates of a namespace."""
    found, _ = await kube.list(CONTROLLER_REVISIONS)
    return [revision for revision in found if revision["metadata"]["namespace"] == namespace]
