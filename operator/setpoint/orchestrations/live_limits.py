"""What a service's pods are told while they run: the content of the limits file, and its generation.

The same text goes into a ConfigMap, for pods that start while nobody is there to tell them, and into an
annotation of each pod, which arrives within a second. An engine believes the highest generation that it has
seen, so what is to be believed must have one at least as high as everything that engines may see.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from setpoint.api.inferenceservice import InferenceService
from setpoint.api.scalars import duration_seconds
from setpoint.api.tuningcheckpoint import TuningCheckpoint
from setpoint.tuner.limits_file import rendered
from setpoint.tuner.promise import Objective
from setpoint_vllm.limits_file import Latency, Limit, parse

ANNOTATION = "setpoint.dev/limits"
"""Annotation of a pod: the limits file's text."""
KEY = "limits.json"
"""The limits file's key in the ConfigMap."""

NAMES = {
    Limit.TOKENS: "maxNumBatchedTokens",
    Limit.SEQS: "maxNumSeqs",
    Limit.QUEUED_TOKENS: "maxQueuedTokens",
}
"""The limits that the tuner moves, and their names in the API."""
_HIGHEST = 2**53 - 1
"""The plugin takes no higher generation."""


@dataclass(frozen=True)
class Wanted:
    """What the tuner wants of a service's engines."""

    limits: Mapping[Limit, int] = field(default_factory=dict)
    """Those that are off their start values."""
    expires_seconds: float | None = None
    """Unix time at which they end unless they are renewed; None for limits that stay."""


def wanted_by(checkpoint: Mapping[str, Any]) -> Wanted:
    """Return what a TuningCheckpoint wants; nothing where it is not as the API server would take it."""
    try:
        spec = TuningCheckpoint.model_validate(checkpoint).spec
    except ValidationError:
        return Wanted()
    found = spec.limits.model_dump(by_alias=True, exclude_none=True)
    return Wanted(
        {limit: found[name] for limit, name in NAMES.items() if name in found},
        spec.expires.timestamp() if spec.expires else None,
    )


def config_map_name(service_name: str) -> str:
    """Return the name of the ConfigMap with the limits file."""
    return f"{service_name}-limits"


def limits_file(
    service: InferenceService,
    *,
    writer: str,
    seen: Iterable[str],
    generation: int,
    tuned: Wanted | None = None,
) -> str:
    """Return the text of the limits file.

    `writer` is the uid of the service, `seen` the texts that stand in its ConfigMap and its pods now, and
    `generation` that of the spec. A text that says the same as is wanted stays, unless something else there
    would be believed before it: a change by hand, however high its generation, is outdone. What is no limits
    file is nothing that an engine believes.
    """
    tuned = tuned or Wanted()

    def text(generation: int) -> str:
        return rendered(
            generation,
            writer,
            tuned.limits,
            objectives_of(service),
            expires_seconds=tuned.expires_seconds if tuned.limits else None,
        )

    generations = {told: found for told in seen if (found := _generation(told)) is not None}
    highest = max(generations.values(), default=0)
    ours = text(highest)
    if {told for told, found in generations.items() if found == highest} == {ours}:
        return ours
    return text(min(max(generation, highest + 1), _HIGHEST))


def objectives_of(service: InferenceService) -> tuple[Objective, ...]:
    """Return what a service promises, as its engines and the tuner judge it."""
    slo = service.spec.slo
    return tuple(
        Objective(
            each.name,
            Latency(each.metric.value),
            duration_seconds(each.threshold),
            float(each.percentile),
        )
        for each in (slo.objectives if slo else ())
    )


def _generation(text: str) -> int | None:
    try:
        return parse(text).generation
    except ValueError:
        return None
