"""What to apply for fake GPUs on every node."""

from typing import Any

NAMESPACE = "fake-gpu"
_NAME = "fake-gpu"
_SOCKETS = "/var/lib/kubelet/device-plugins"


def manifests(image: str, *, count: int = 8) -> list[dict[str, Any]]:
    """The objects that make every node offer `count` GPUs; `image` is the stand-ins' image."""
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _metadata()},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": _NAME},
            "rules": [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["patch"]}],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": _NAME},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": _NAME},
            "subjects": [{"kind": "ServiceAccount", "name": _NAME, "namespace": NAMESPACE}],
        },
        {
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "metadata": _metadata(),
            "spec": {
                "selector": {"matchLabels": {"app": _NAME}},
                "template": {"metadata": {"labels": {"app": _NAME}}, "spec": _pod(image, count)},
            },
        },
    ]


def _metadata() -> dict[str, str]:
    return {"name": _NAME, "namespace": NAMESPACE}


def _pod(image: str, count: int) -> dict[str, Any]:
    return {
        "serviceAccountName": _NAME,
        "terminationGracePeriodSeconds": 5,
        "tolerations": [{"operator": "Exists"}],
        "containers": [
            {
                "name": "plugin",
                "image": image,
                "command": ["python3", "-m", "e2e.fakes.gpu", f"--count={count}"],
                "env": [
                    {"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
                ],
                "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}},
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                    "readOnlyRootFilesystem": True,
                    "runAsUser": 0,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "volumeMounts": [{"name": "sockets", "mountPath": _SOCKETS}],
            }
        ],
        "volumes": [{"name": "sockets", "hostPath": {"path": _SOCKETS, "type": "Directory"}}],
    }
