"""Builders of what tests speak of, with defaults, so that a test names only what it is about."""

from typing import Any

from setpoint.api.inferenceservice import InferenceService
from setpoint.settings import Settings

OWNER = {
    "apiVersion": "setpoint.dev/v1alpha1",
    "kind": "InferenceService",
    "name": "chat",
    "uid": "7f0c2f4e-5a0c-4f0e-9c57-0d6f2a1b3c4d",
}


def inference_service_object(
    name: str = "chat",
    namespace: str = "team-a",
    *,
    uri: str = "hf://acme/tiny-chat",
    model: dict[str, Any] | None = None,
    engine: dict[str, Any] | None = None,
    **spec: Any,
) -> dict[str, Any]:
    """Return an InferenceService as a person writes it; other fields of its spec by their JSON names."""
    written: dict[str, Any] = {"model": {"uri": uri, **(model or {})}, **spec}
    if engine is not None:
        written["engine"] = engine
    return {
        "apiVersion": "setpoint.dev/v1alpha1",
        "kind": "InferenceService",
        "metadata": {"name": name, "namespace": namespace},
        "spec": written,
    }


def inference_service(name: str = "chat", namespace: str = "team-a", **fields: Any) -> InferenceService:
    """Return an InferenceService, parsed; the fields as in `inference_service_object`."""
    return InferenceService.model_validate(inference_service_object(name, namespace, **fields))


def settings(**fields: Any) -> Settings:
    """Return the administrator's settings, the chart's defaults but for the fields given."""
    return Settings(**fields)


def owner(service: InferenceService) -> dict[str, str]:
    """Return what the children of a service name as their owner."""
    return {**OWNER, "name": service.metadata.name}
