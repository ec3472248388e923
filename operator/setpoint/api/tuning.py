"""How the limits of running engines may be moved: the field `spec.tuning` of an InferenceService."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from setpoint.api.rules import ApiModel, Rule

MAX_LIMIT = 2**31 - 1
"""No engine has a limit above it: those of vLLM go by 32 bits."""
LEAST_BATCHED_TOKENS = 256
"""What `bounds.maxNumBatchedTokens.min` is taken to be where it is not given (`tuner.knobs.LEAST_TOKENS`)."""


class TuningMode(StrEnum):
    """What may be done to keep the promise. No word that YAML takes for a boolean."""

    DISABLED = "Disabled"
    RECOMMEND = "Recommend"
    AUTO = "Auto"


class OnStop(StrEnum):
    """What becomes of limits that were moved."""

    RESTORE = "Restore"
    KEEP = "Keep"


Bound = Annotated[int, Field(ge=1, le=MAX_LIMIT)]


class LimitBound(ApiModel):
    """How far one limit may be moved."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "has(self.min) || has(self.max)",
            "must be given where max is not",
            lambda bound: bound.min is not None or bound.max is not None,
            field="min",
        ),
        Rule(
            "!has(self.min) || !has(self.max) || self.min <= self.max",
            "must be at least min",
            lambda bound: bound.min is None or bound.max is None or bound.min <= bound.max,
            field="max",
        ),
    )

    min: Bound | None = None
    """The smallest value that it may be given. A start value that is smaller already is not raised."""
    max: Bound | None = None
    """The largest value that it may have while the mode is Auto. One below the start value is put in force
    at once, whatever the traffic, and is what the limit goes back to."""


def _tokens_have(field: str) -> str:
    """CEL: whether `bounds.maxNumBatchedTokens` gives this end."""
    return f"has(self.maxNumBatchedTokens) && has(self.maxNumBatchedTokens.{field})"


class TuningBounds(ApiModel):
    """How far the limits may be moved; none goes above what the engine was started with."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.maxNumSeqs) || !has(self.maxNumSeqs.min) || self.maxNumSeqs.min <= "
            f"({_tokens_have('min')} ? self.maxNumBatchedTokens.min : "
            f"{_tokens_have('max')} && self.maxNumBatchedTokens.max < {LEAST_BATCHED_TOKENS}"
            f" ? self.maxNumBatchedTokens.max : {LEAST_BATCHED_TOKENS})",
            "must be at most bounds.maxNumBatchedTokens.min, which is"
            f" {LEAST_BATCHED_TOKENS}, or max where that is less, where it is not given:"
            " a step has at least one token for each request",
            lambda bounds: _least_seqs(bounds) <= _least_tokens(bounds),
            field="maxNumSeqs.min",
        ),
    )

    max_num_batched_tokens: LimitBound | None = None
    """Tokens of one step of one rank (vLLM's --max-num-batched-tokens), not below 256 unless `min` says
    so."""
    max_num_seqs: LimitBound | None = None
    """Requests that one rank runs at once (vLLM's --max-num-seqs), not below 1 unless `min` says so."""


def _least_seqs(bounds: TuningBounds) -> int:
    given = bounds.max_num_seqs
    return 1 if given is None or given.min is None else given.min


def _least_tokens(bounds: TuningBounds) -> int:
    given = bounds.max_num_batched_tokens or LimitBound(max=MAX_LIMIT)
    return given.min or min(LEAST_BATCHED_TOKENS, given.max or MAX_LIMIT)


class Tuning(ApiModel):
    """How the limits of running engines may be moved to keep the promise. No change of it restarts a pod."""

    mode: TuningMode = TuningMode.RECOMMEND
    """Disabled: no limit is moved. Recommend: none is, and status.tuning says what Auto would do. Auto:
    limits are moved; needs spec.slo."""
    bounds: TuningBounds = Field(default_factory=TuningBounds)
    """How far the limits may be moved."""
    on_stop: OnStop = OnStop.RESTORE
    """What becomes of limits that were moved when the mode is no longer Auto: Restore puts the start values
    back, Keep leaves them as they are, for new pods too."""
