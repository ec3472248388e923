"""Folders of a node as volumes, which Pod Security admits by their claims."""

from typing import Any


def volume(name: str, path: str, node: str) -> dict[str, Any]:
    """A PersistentVolume that is a node's folder."""
    on_node = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "storageClassName": "",
            "accessModes": ["ReadOnlyMany"],
            "capacity": {"storage": "1Gi"},
            "hostPath": {"path": path, "type": "Directory"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [on_node]}]}},
        },
    }


def claim(name: str, volume: str) -> dict[str, Any]:
    """The claim of that volume."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {
            "storageClassName": "",
            "volumeName": volume,
            "accessModes": ["ReadOnlyMany"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
