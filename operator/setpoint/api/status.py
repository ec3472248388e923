"""The status of an InferenceService: what the operator has seen, never what it hopes.

Conditions follow the API conventions (metav1.Condition): True is the good or active state, reasons are
CamelCase words that programs may rely on, and `observedGeneration` says which spec each one speaks of.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from setpoint.api.rules import ApiModel


class ConditionType(StrEnum):
    """The conditions of an InferenceService."""

    ACCEPTED = "Accepted"
    READY = "Ready"
    PROGRESSING = "Progressing"


class ConditionStatus(StrEnum):
    """Whether a condition holds."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(ApiModel):
    """One aspect of the service's state (metav1.Condition)."""

    type: Annotated[str, Field(max_length=316)]
    """Accepted (the spec can be carried out), Ready (at least one pod is routable) or Progressing (the newest
    spec is being rolled out)."""
    status: ConditionStatus
    """True, False or Unknown."""
    observed_generation: Annotated[int, Field(ge=0)]
    """The metadata.generation that this condition speaks of."""
    last_transition_time: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    """When `status` last changed."""
    reason: Annotated[
        str, Field(max_length=1024, min_length=1, pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$")
    ]
    """Why, as one CamelCase word that programs may rely on."""
    message: Annotated[str, Field(max_length=32768)]
    """Why, for a person: what is wrong, where, and what would help."""


class InferenceServiceStatus(ApiModel):
    """What the operator has seen."""

    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """The metadata.generation that this status speaks of."""
    conditions: Annotated[
        list[Condition],
        Field(
            max_length=16,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
        ),
    ] = Field(default_factory=list)
    """Accepted, Ready and Progressing."""
    url: str | None = None
    """Base URL of the OpenAI-compatible API inside the cluster."""
    replicas: Annotated[int, Field(ge=0)] | None = None
    """Pods that exist; read by the scale subresource."""
    ready_replicas: Annotated[int, Field(ge=0)] | None = None
    """Pods that are routable: ready, and in the Service's EndpointSlices."""
    replica_summary: str | None = None
    """Routable pods of wanted pods, such as 1/2; a print column."""
    selector: str | None = None
    """Label selector of the pods, as text; read by autoscalers through the scale subresource."""
