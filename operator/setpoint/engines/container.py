"""What an engine asks of the container that runs it, whatever builds the pod around it."""

from dataclasses import dataclass
from typing import Any

from setpoint.api.inferenceservice import SecretKeyReference

CONTAINER_NAME = "main"
"""The container of a pod that runs the engine."""
HOME = "/home/engine"
"""The engine's home, a writable volume: caches live under it, since the root file system is read-only."""
MODEL_PATH = "/model"
"""Where a model that is not downloaded is mounted, read-only."""
LIMITS_PATH = "/etc/setpoint"
"""Where the limits file is mounted, read-only: limits.json of the ConfigMap, annotation.json of the pod."""


@dataclass(frozen=True, slots=True)
class EngineContainer:
    """The engine's own part of the container `main`, as Kubernetes writes it."""

    image: str
    args: list[str]
    """Arguments to the image's entry point."""
    env: list[dict[str, Any]]
    """Environment variables, as a container's `env`."""
    port: int
    """Port of the HTTP API."""
    health_path: str
    """Path that answers 200 while the engine can serve, and not before the model is loaded."""


def literal(text: str) -> str:
    """Return `text` so that the kubelet passes it on unchanged, as an argument or as a variable's value.

    The kubelet expands $(NAME) there and reads each $$ as $ (k8s.io/kubernetes,
    third_party/forked/golang/expansion). Escaping $( alone would not do: $$(NAME) would become $$$(NAME),
    which is $ and an expansion.
    """
    return text.replace("$", "$$")


def variable(name: str, value: str) -> dict[str, Any]:
    """Return an environment variable with a value that is passed on unchanged."""
    return {"name": name, "value": literal(value)}


def secret_variable(name: str, reference: SecretKeyReference) -> dict[str, Any]:
    """Return an environment variable whose value the kubelet reads from a Secret."""
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": reference.name, "key": reference.key}}}
