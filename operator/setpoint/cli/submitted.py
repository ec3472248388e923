"""The object as a person submits it, in which every field must be known.

The API server drops an unknown field with a warning that is easily missed, and the operator ignores it; here
it is a fault.
"""

from typing import Any, Literal

from setpoint.api.inferenceservice import InferenceService, InferenceServiceMetadata
from setpoint.api.scalars import ObjectName

API_VERSION = "setpoint.dev/v1alpha1"


class SubmittedMetadata(InferenceServiceMetadata):
    """metav1.ObjectMeta: what people write, typed, and what the API server writes, as it is."""

    namespace: ObjectName = "default"
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    finalizers: list[str] | None = None
    owner_references: Any = None
    uid: Any = None
    resource_version: Any = None
    generation: Any = None
    creation_timestamp: Any = None
    deletion_timestamp: Any = None
    deletion_grace_period_seconds: Any = None
    managed_fields: Any = None


class SubmittedInferenceService(InferenceService):
    """An InferenceService with all of its top-level fields."""

    api_version: Literal["setpoint.dev/v1alpha1"]
    kind: Literal["InferenceService"]
    metadata: SubmittedMetadata
    status: Any = None
