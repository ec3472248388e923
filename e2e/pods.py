"""Pods of the tests' own, as the strictest Pod Security Standard wants them."""

from collections.abc import Iterable
from typing import Any


def restricted_spec(image: str, command: Iterable[str]) -> dict[str, Any]:
    """The spec of a pod that runs a command once, needs no privilege, and ends at once when told to."""
    container = {
        "name": "main",
        "image": image,
        "command": list(command),
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    return {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 1,
        "automountServiceAccountToken": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
    }
