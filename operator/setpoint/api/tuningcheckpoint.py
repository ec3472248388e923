"""TuningCheckpoint, setpoint.dev/v1alpha1: what is wanted of a service's engines, and what has been learned.

One for each InferenceService that is tuned, of its name and owned by it. Written by the operator alone: what
a person writes there is overwritten, and until then reaches the engines.
"""

from typing import Annotated, Any, ClassVar

from pydantic import AwareDatetime, Field, StringConstraints

from setpoint.api.rules import ApiModel, Rule
from setpoint.api.tuning import MAX_LIMIT

CHECKPOINT_KIND = "TuningCheckpoint"
STATE_MAX_LENGTH = 65536


class CheckpointLimits(ApiModel):
    """Limits that are off the values which the engines were started with; the others are absent."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.maxNumSeqs) || !has(self.maxNumBatchedTokens)"
            " || self.maxNumSeqs <= self.maxNumBatchedTokens",
            "must be at most maxNumBatchedTokens: a step has at least one token for each request",
            lambda limits: (
                limits.max_num_seqs is None
                or limits.max_num_batched_tokens is None
                or limits.max_num_seqs <= limits.max_num_batched_tokens
            ),
            field="maxNumSeqs",
        ),
    )

    max_num_batched_tokens: Annotated[int, Field(ge=1, le=MAX_LIMIT)] | None = None
    """Tokens of one step of one rank."""
    max_num_seqs: Annotated[int, Field(ge=1, le=MAX_LIMIT)] | None = None
    """Requests that one rank runs at once."""
    max_queued_tokens: Annotated[int, Field(ge=1, le=MAX_LIMIT)] | None = None
    """Prompt tokens without a first token in one engine, beyond which the next request is shed."""


class TuningCheckpointSpec(ApiModel):
    """What is wanted of a service's engines, and what the tuner has to know again after a restart."""

    limits: CheckpointLimits = Field(default_factory=CheckpointLimits)
    """What the engines are told."""
    expires: AwareDatetime | None = None
    """End of the limits' lease: engines that are told nothing newer by then go back to their start values.
    No lease where it is absent."""
    state: Annotated[str, StringConstraints(max_length=STATE_MAX_LENGTH)] | None = None
    """The tuner's own state as JSON, for the operator alone: its form changes with the operator's version."""


class TuningCheckpoint(ApiModel):
    """What the tuner wants of the engines of one InferenceService. For the operator alone: what a person
    writes here is overwritten.
    """

    metadata: dict[str, Any] = Field(default_factory=dict)
    spec: TuningCheckpointSpec
