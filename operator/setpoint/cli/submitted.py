"""The object as a person submits it, in which every field must be known.

The API server drops an unknown field with a warning that is easily missed, and the operator ignores it; here
it is a fault.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from setpoint.api.inferenceservice import InferenceService, InferenceServiceMetadata
from setpoint.api.labels import annotation_key_fault, label_key_fault, label_value_fault
from setpoint.api.scalars import ObjectName

API_VERSION = "setpoint.dev/v1alpha1"


def _with_valid(
    texts: dict[str, str], key_fault: Callable[[str], str | None], value_fault: Callable[[str], str | None]
) -> dict[str, str]:
    """Return the texts. Raises ValidationError with an entry for each that is at fault, at its key."""
    wrong = [
        InitErrorDetails(
            type=PydanticCustomError(kind, "{message}", {"message": message}), loc=(key,), input=text
        )
        for key, text in texts.items()
        for kind, message in (("key", key_fault(key)), ("rule", value_fault(text)))
        if message
    ]
    if wrong:
        raise ValidationError.from_exception_data("texts", wrong)
    return texts


_Labels = Annotated[
    dict[str, str], AfterValidator(lambda texts: _with_valid(texts, label_key_fault, label_value_fault))
]
_Annotations = Annotated[
    dict[str, str], AfterValidator(lambda texts: _with_valid(texts, annotation_key_fault, lambda _: None))
]


class SubmittedMetadata(InferenceServiceMetadata):
    """metav1.ObjectMeta: what people write, typed, and what the API server writes, as it is."""

    namespace: ObjectName = "default"
    labels: _Labels | None = None
    annotations: _Annotations | None = None
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
