"""What to apply for a local Hub in the cluster."""

from typing import Any

NAMESPACE = "hub"
ENDPOINT = "http://hub.hub.svc"
"""HF_ENDPOINT for pods of the cluster."""
TOKEN = "hf_tests_with_access"
TOKEN_WITHOUT_ACCESS = "hf_tests_without_access"
_NAME = "hub"
_PORT = 8080


def manifests(image: str) -> list[dict[str, Any]]:
    """The objects that make the Hub answer at ENDPOINT; `image` is the stand-ins' image."""
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": _metadata(),
            "spec": {
                "selector": {"matchLabels": {"app": _NAME}},
                "template": {"metadata": {"labels": {"app": _NAME}}, "spec": _pod(image)},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": _metadata(),
            "spec": {
                "selector": {"app": _NAME},
                "ports": [{"name": "http", "port": 80, "targetPort": _PORT}],
            },
        },
    ]


def _metadata() -> dict[str, str]:
    return {"name": _NAME, "namespace": NAMESPACE}


def _pod(image: str) -> dict[str, Any]:
    return {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 5,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "hub",
                "image": image,
                "command": ["python3", "-m", "e2e.fakes.hub", f"--port={_PORT}"],
                "env": [
                    {"name": "FAKE_HUB_TOKEN", "value": TOKEN},
                    {"name": "FAKE_HUB_TOKEN_WITHOUT_ACCESS", "value": TOKEN_WITHOUT_ACCESS},
                ],
                "ports": [{"name": "http", "containerPort": _PORT}],
                "readinessProbe": {
                    "httpGet": {"path": "/api/models/acme/tiny-llama", "port": "http"},
                    "periodSeconds": 1,
                },
                "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}},
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                    "readOnlyRootFilesystem": True,
                },
            }
        ],
    }
