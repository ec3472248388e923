"""The status of an InferenceService: what the operator has seen, never what it hopes.

Conditions follow the API conventions (metav1.Condition): True is the good or active state, reasons are
CamelCase words that programs may rely on, and `observedGeneration` says which spec each one speaks of. Two
controllers write: SLOMet, Tuning and `tuning` are the tuner's, all else is the InferenceService controller's.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from setpoint.api.rules import ApiModel

ShortText = Annotated[str, Field(max_length=32)]
LongText = Annotated[str, Field(max_length=4096)]


class ConditionType(StrEnum):
    """The conditions of an InferenceService."""

    ACCEPTED = "Accepted"
    READY = "Ready"
    PROGRESSING = "Progressing"
    SLO_MET = "SLOMet"
    TUNING = "Tuning"


class ConditionStatus(StrEnum):
    """Whether a condition holds."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(ApiModel):
    """One aspect of the service's state (metav1.Condition)."""

    type: Annotated[str, Field(max_length=316)]
    """Accepted (the spec can be carried out), Ready (at least one pod is routable), Progressing (the newest
    spec is being rolled out), and where something is promised SLOMet (every objective is kept) and Tuning
    (limits are moved where that keeps the promise, or in Recommend would be)."""
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


class ObjectiveVerdict(StrEnum):
    """What is known of an objective."""

    KEPT = "Kept"
    BROKEN = "Broken"
    UNCLEAR = "Unclear"


class ObjectiveStatus(ApiModel):
    """What was seen of one objective in the window."""

    name: Annotated[str, Field(max_length=63)]
    """Name of the objective in spec.slo.objectives."""
    threshold: ShortText | None = None
    """The longest latency that keeps it."""
    percentile: int | None = None
    """How many of a hundred latencies must stay within the threshold."""
    verdict: ObjectiveVerdict | None = None
    """Kept or Broken, where chance is no explanation any more; else Unclear."""
    bad_share: ShortText | None = None
    """Share of the latencies beyond the threshold, such as 1.2%."""
    samples: Annotated[int, Field(ge=0)] | None = None
    """Latencies that were judged: first tokens, or gaps between tokens."""


class LimitValues(ApiModel):
    """Limits of running engines; one that is absent is at its start value."""

    max_num_batched_tokens: Annotated[int, Field(ge=0)] | None = None
    """Tokens of one step of one rank."""
    max_num_seqs: Annotated[int, Field(ge=0)] | None = None
    """Requests that one rank runs at once."""
    max_queued_tokens: Annotated[int, Field(ge=0)] | None = None
    """Prompt tokens without a first token in one engine, beyond which the next request is shed."""


class DecisionRecord(ApiModel):
    """One change of the limits, made or recommended."""

    time: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    """When it was decided."""
    policy: Annotated[str, Field(min_length=1, max_length=63)]
    """The rule that asked for it, as one CamelCase word."""
    cause: LongText | None = None
    """What was measured that led to it."""
    before: LimitValues | None = None
    """The limits that were wanted before it, off the start values."""
    after: LimitValues | None = None
    """Those wanted after it; of a recommendation, those that would be."""
    applied: bool | None = None
    """Whether it was done; false for a recommendation."""
    effect: LongText | None = None
    """What came of it, once that could be measured."""


class EstimateStatus(ApiModel):
    """What is predicted of one engine, by what it has shown of its steps and its requests. Nothing of it was
    measured.
    """

    sustainable_rate: ShortText | None = None
    """Requests a second up to which the promise is kept under the limits that are wanted."""
    sustainable_rate_at_start: ShortText | None = None
    """The same under the limits that the engine was started with."""
    cost_per_million_tokens: ShortText | None = None
    """What a million output tokens would cost at that rate, in the currency of spec.pricing; absent without
    that."""
    saturation: ShortText | None = None
    """What came in the window, as a share of what all engines together sustain, such as 80%."""


class TuningStatus(ApiModel):
    """How the promise stands, and what is done about it. Figures are rounded, and may be minutes old."""

    objectives: Annotated[
        list[ObjectiveStatus],
        Field(
            max_length=8,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ] = Field(default_factory=list)
    """What was seen of each objective."""
    good_share: ShortText | None = None
    """Share of the requests that met every objective, such as 98.5%, of those that have a verdict."""
    window: ShortText | None = None
    """The time that the figures are of, at most spec.slo.window."""
    start: LimitValues | None = None
    """Limits that the engines were started with, the lowest of all ranks."""
    wanted: LimitValues | None = None
    """Limits that the engines are told, off the start values."""
    in_force: LimitValues | None = None
    """Limits that the engines show, off the start values, the lowest of all ranks."""
    cost_per_million_tokens: ShortText | None = None
    """What a million output tokens cost in the window, in the currency of spec.pricing; absent without
    that."""
    estimated: EstimateStatus | None = None
    """What is predicted of the engines; absent until they have shown enough."""
    recommendation: LongText | None = None
    """What Auto would do now, and why, where the mode is Recommend, and which flag would suit better."""
    decisions: Annotated[list[DecisionRecord], Field(max_length=20)] = Field(default_factory=list)
    """The last changes of the limits, newest first."""


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
    """Accepted, Ready and Progressing; SLOMet and Tuning where something is promised."""
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
    tuning: TuningStatus | None = None
    """How the promise stands, and what is done about it."""
