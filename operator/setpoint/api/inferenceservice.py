"""InferenceService, setpoint.dev/v1alpha1: a model, and how it is to be served.

Field documentation below is what `kubectl explain infsvc` shows. A field stands here only when something
implements it.
"""

import re
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import Field, StringConstraints

from setpoint.api.model_uri import HuggingFaceModel, ModelUri, parse_model_uri
from setpoint.api.rules import ApiModel, Rule, Ruled, matches, matches_cel
from setpoint.api.scalars import (
    BINARY_QUANTITY,
    LABEL,
    BinaryQuantity,
    DurationText,
    ObjectName,
    Price,
    PrintableText,
    SecretKey,
    duration_between,
    duration_cel,
    duration_seconds,
    quantity_bytes,
)
from setpoint.api.tuning import Tuning, TuningMode

GROUP = "setpoint.dev"
VERSION = "v1alpha1"
KIND = "InferenceService"
NAME_MAX_LENGTH = 52
"""Children carry the name with a suffix (a pod template hash, a revision), within a label's 63 characters."""

_NAME = r"[a-z]([-a-z0-9]*[a-z0-9])?"
_API_KEY_FLAGS = ("--api-k", "--api_k")
"""Prefixes, since an argument parser may take an abbreviation too."""


def _immutable() -> Rule:
    return Rule("self == oldSelf", "is immutable: create a new infsvc instead")


class EngineType(StrEnum):
    """The engines that Setpoint runs."""

    VLLM = "VLLM"


class Orchestration(StrEnum):
    """How an engine's pods come to be."""

    DEPLOYMENT = "Deployment"


class AcceleratorType(StrEnum):
    """How an accelerator is asked for. Never a model of GPU: new ones appear faster than releases."""

    GPU = "GPU"


class SecretKeyReference(ApiModel):
    """A key of a Secret in the service's namespace."""

    name: ObjectName
    """Name of the Secret."""
    key: SecretKey
    """Key within the Secret's data."""


class Model(ApiModel):
    """What is served."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "has(self.name) == has(oldSelf.name) && (!has(self.name) || self.name == oldSelf.name)",
            "is immutable, since clients ask for the model by it: create a new infsvc instead",
            field="name",
        ),
        Rule(
            "!has(self.tokenSecretRef) || self.uri.startsWith('hf://')",
            "is for hf:// models only: remove it, or use an hf:// uri",
            lambda model: (
                model.token_secret_ref is None or isinstance(parse_model_uri(model.uri), HuggingFaceModel)
            ),
            field="tokenSecretRef",
        ),
    )

    uri: ModelUri
    """Where the model comes from: hf://ORGANISATION/NAME[@REVISION], pvc://CLAIM[/PATH] or file:///PATH (a
    node's folder, only where the administrator allows it). Changing it rolls the pods."""
    name: PrintableText | None = None
    """Name under which clients ask for the model; the InferenceService's own name when absent. Immutable."""
    token_secret_ref: SecretKeyReference | None = None
    """Secret with the access token of the Hub, for a private or gated hf:// model."""


class Engine(ApiModel):
    """The engine that serves the model."""

    type: Annotated[EngineType, Ruled(_immutable())] = EngineType.VLLM
    """The engine. Immutable."""
    version: Annotated[
        str,
        StringConstraints(max_length=32),
        Ruled(matches(r"[0-9]+\.[0-9]+\.[0-9]+[a-z0-9.]*", "must be a version such as 0.32.0, without a v")),
    ] = "0.32.0"
    """Version of the engine: chooses the image and the flags that it knows. An operator upgrade never changes
    it."""
    image: (
        Annotated[
            str,
            StringConstraints(max_length=512),
            Ruled(matches(r"[!-~]+", "must be an image such as registry.example/vllm:tag, without spaces")),
        ]
        | None
    ) = None
    """Image of the engine, instead of the one that `version` chooses."""
    args: Annotated[
        list[Annotated[str, StringConstraints(max_length=16384)]],
        Field(max_length=256),
        Ruled(
            Rule(
                "self.all(arg, !arg.contains('\\x00'))",
                "must not contain the character NUL, which no process can be given",
                lambda args: not any("\x00" in arg for arg in args),
            ),
            Rule(
                f"self.all(arg, !{list(_API_KEY_FLAGS)}.exists(flag, arg.startsWith(flag)))",
                "must not contain --api-key, which every reader would see: use spec.engine.apiKeySecretRef",
                lambda args: not any(arg.startswith(_API_KEY_FLAGS) for arg in args),
            ),
        ),
    ] = Field(default_factory=list)
    """Arguments of the engine, merged over Setpoint's own by flag name. Text is data: $(NAME) is not
    expanded."""
    api_key_secret_ref: SecretKeyReference | None = None
    """Secret with the API key that clients must send; without it anyone who reaches the Service may ask."""
    startup_timeout: Annotated[DurationText, duration_between("10s", "24h")] = "30m"
    """How long a pod may take to load the model before it is restarted."""
    drain_timeout: Annotated[DurationText, duration_between("0s", "1h")] = "60s"
    """How long a pod that is to stop may go on answering the requests it has."""


class Parallelism(ApiModel):
    """How the model is split over accelerators."""

    tensor: Annotated[int, Field(ge=1, le=64)] = 1
    """Tensor parallelism: accelerators in one pod that share each layer."""


class Accelerator(ApiModel):
    """The accelerator of a pod; how many follows from `parallelism`."""

    type: AcceleratorType = AcceleratorType.GPU
    """Kind of accelerator: GPU is a whole GPU (resource nvidia.com/gpu)."""


class HugePages(ApiModel):
    """Huge pages of one size for the engine's container."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            f"[self.size, self.pageSize].exists(each, !{matches_cel('each', BINARY_QUANTITY)})"
            " || quantity(self.size).asInteger() % quantity(self.pageSize).asInteger() == 0",
            "must be a multiple of pageSize",
            lambda pages: quantity_bytes(pages.size) % quantity_bytes(pages.page_size) == 0,
            field="size",
        ),
    )

    page_size: BinaryQuantity
    """Size of a page, as the node offers it: 2Mi or 1Gi on amd64."""
    size: BinaryQuantity
    """Amount for a pod, a multiple of `pageSize`."""


class Placement(ApiModel):
    """What the pods need of a node."""

    accelerator: Accelerator = Field(default_factory=Accelerator)
    """The accelerator of each pod."""
    hugepages: Annotated[
        list[HugePages],
        Field(
            max_length=4,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["pageSize"]},
        ),
        Ruled(
            Rule(
                "self.exists(a, !isQuantity(a.pageSize)) || "
                "self.all(a, self.exists_one(b, quantity(a.pageSize).compareTo(quantity(b.pageSize)) == 0))",
                "must not name a page size twice",
                lambda pages: len({quantity_bytes(page.page_size) for page in pages}) == len(pages),
            )
        ),
    ] = Field(default_factory=list)
    """Huge pages, one entry for each page size; mounted at /dev/hugepages-SIZE."""


class LatencyMetric(StrEnum):
    """A latency that can be promised, as vLLM measures it in the pod."""

    TTFT = "TimeToFirstToken"
    ITL = "InterTokenLatency"


class Objective(ApiModel):
    """One latency that is to stay within a threshold."""

    name: Annotated[
        str,
        StringConstraints(min_length=1, max_length=63),
        Ruled(matches(LABEL, "must be lower-case letters, digits and -, and no - at the ends")),
    ]
    """Name of the objective: the label `objective` of the engine's metric setpoint_tokens_total."""
    metric: LatencyMetric
    """TimeToFirstToken, from a request's arrival in the pod to its first token, or InterTokenLatency, between
    two tokens of one answer; a request keeps it when its mean gap does."""
    threshold: Annotated[DurationText, duration_between("1ms", "1h")]
    """The longest latency that keeps the objective, such as 60ms or 1s."""
    percentile: Annotated[int, Field(ge=50, le=99)] = 95
    """How many of a hundred latencies must stay within the threshold."""


class ServiceLevel(ApiModel):
    """What is promised to those who ask."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            f"!{duration_cel('self.window')}"
            f" || self.objectives.exists(each, !{duration_cel('each.threshold')})"
            " || self.objectives.all(each, duration(each.threshold) <= duration(self.window))",
            "must be at least as long as every threshold, which no latency can exceed in a shorter one",
            lambda slo: all(
                duration_seconds(each.threshold) <= duration_seconds(slo.window) for each in slo.objectives
            ),
            field="window",
        ),
    )

    objectives: Annotated[
        list[Objective],
        Field(
            min_length=1,
            max_length=8,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
        Ruled(
            Rule(
                "self.all(a, self.exists_one(b, a.metric == b.metric))",
                "must not name a metric twice: the smaller threshold is the one that would count",
                lambda objectives: len({each.metric for each in objectives}) == len(objectives),
            )
        ),
    ]
    """The latencies promised. A request is good when it meets each of them itself: the engine counts verdicts
    in setpoint_requests_total. A change restarts nothing; the first promise does where the pods have no
    plugin."""
    window: Annotated[DurationText, duration_between("30s", "1h")] = "5m"
    """The time over which the condition SLOMet is judged, up to now."""


class Pricing(ApiModel):
    """What the hardware costs, so that status.tuning can tell what tokens do."""

    gpu_hour: Price
    """Price of one accelerator for one hour, such as 2.49; costs are told in the same currency."""


class InferenceServiceSpec(ApiModel):
    """A model and how it is to be served."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            f"self.tuning.mode != '{TuningMode.AUTO}' || has(self.slo)",
            "must not be Auto without a promise to keep: set spec.slo, or choose Recommend or Disabled",
            lambda spec: spec.tuning.mode is not TuningMode.AUTO or spec.slo is not None,
            field="tuning.mode",
        ),
    )

    model: Model
    """What is served."""
    engine: Engine = Field(default_factory=Engine)
    """The engine that serves it."""
    orchestration: Annotated[Orchestration, Ruled(_immutable())] = Orchestration.DEPLOYMENT
    """How the engine's pods come to be. Immutable."""
    parallelism: Parallelism = Field(default_factory=Parallelism)
    """How the model is split over accelerators."""
    placement: Placement = Field(default_factory=Placement)
    """What the pods need of a node."""
    replicas: Annotated[int, Field(ge=0, le=1000)] = 1
    """Number of pods; written by `kubectl scale` and by autoscalers through the scale subresource."""
    slo: ServiceLevel | None = None
    """What is promised to those who ask."""
    tuning: Tuning = Field(default_factory=Tuning)
    """How the limits of running engines may be moved to keep the promise."""
    pricing: Pricing | None = None
    """What the hardware costs. A change restarts nothing."""
    template: dict[str, Any] = Field(
        default_factory=dict, json_schema_extra={"x-kubernetes-preserve-unknown-fields": True}
    )
    """Fragment of a pod template (metadata.labels, metadata.annotations, spec), merged over Setpoint's own as
    `kubectl apply` would: containers by name (the engine's is `main`), volumes and env by name, mounts by
    path. It may ask for no rights over the node, and set no args or command of `main`: those are
    engine.args."""


class InferenceServiceMetadata(ApiModel):
    """What the rules ask of the object's metadata."""

    name: Annotated[str, StringConstraints(max_length=253)]
    namespace: str = "default"


class InferenceService(ApiModel):
    """A model served under a promise (infsvc)."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            f"self.metadata.name.size() <= {NAME_MAX_LENGTH} && {matches_cel('self.metadata.name', _NAME)}",
            f"must be at most {NAME_MAX_LENGTH} lower-case letters, digits and -, starting with a letter and"
            " ending with a letter or digit, since the Service carries it",
            lambda service: (
                len(service.metadata.name) <= NAME_MAX_LENGTH
                and re.fullmatch(_NAME, service.metadata.name) is not None
            ),
            field="metadata.name",
        ),
    )

    metadata: InferenceServiceMetadata
    spec: InferenceServiceSpec

    @property
    def served_model_name(self) -> str:
        """The name under which clients ask for the model."""
        return self.spec.model.name or self.metadata.name
