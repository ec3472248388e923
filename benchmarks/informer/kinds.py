"""What is followed: custom objects, and a ConfigMap owned by each, about 2 kB each."""

from setpoint.kube.objects import Object
from setpoint.kube.resources import Resource

SAMPLES = Resource("bench.setpoint.dev", "v1", "samples", "Sample")
CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap")
LINES = 24


def crd() -> Object:
    """The definition of the custom kind."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": anything}}}
    version = {"name": SAMPLES.version, "served": True, "storage": True, "schema": schema}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{SAMPLES.plural}.{SAMPLES.group}"},
        "spec": {
            "group": SAMPLES.group,
            "names": {"plural": SAMPLES.plural, "kind": SAMPLES.kind},
            "scope": "Namespaced",
            "versions": [version],
        },
    }


def sample(namespace: str, number: int) -> Object:
    """One custom object: nested as a pod template is, not one long string."""
    env = [{"name": f"VARIABLE_{line}", "value": f"line {line} of {number}: text"} for line in range(LINES)]
    containers = [{"name": "main", "image": "engine:1", "env": env}]
    return {
        "apiVersion": SAMPLES.api_version,
        "kind": SAMPLES.kind,
        "metadata": {"name": f"sample-{number}", "namespace": namespace, "labels": {"app": "bench"}},
        "spec": {
            "replicas": 1,
            "template": {"containers": containers},
        },
    }


def child(owner: Object) -> Object:
    """The ConfigMap that belongs to a custom object."""
    metadata = owner["metadata"]
    reference = {
        "apiVersion": SAMPLES.api_version,
        "kind": SAMPLES.kind,
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
    }
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": metadata["name"] + "-child",
            "namespace": metadata["namespace"],
            "labels": {"app": "bench"},
            "ownerReferences": [reference],
        },
        "data": {f"line-{line}": "twenty characters " * 3 for line in range(LINES)},
    }
