"""The live limits as the operator writes them into two files, and which of the two is believed.

Both hold one JSON object: a ConfigMap's volume is there at a pod's first start, a pod annotation shown by the
downward API arrives within a second. The higher generation wins, whichever file it came by.

    {"generation": 7, "writer": "4f0c...", "expires": 1790000000,
     "limits": {"seqs": 64, "tokens": 512, "longPrefill": 0, "queuedReqs": 400, "queuedTokens": 60000},
     "objectives": [{"name": "first-token", "metric": "TimeToFirstToken", "threshold": 1.0}]}

A limit that is left out is the start value. `expires` (Unix time, optional) ends the lease: the limits then
go back in steps, so that an engine that nobody steers any longer is not hit at once by all that waits. The
objectives stay. Thresholds are seconds.
"""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

STEP_SECONDS = 10.0
"""After the lease a limit doubles at once, and again each time this has passed."""
STEPS = 8
"""After so many doublings, or at once if it was 0, a limit is gone: the start value holds."""


class Limit(StrEnum):
    """A limit that moves while the engine runs, by its key in the file and its label on /metrics."""

    SEQS = "seqs"
    """Requests that run at once (vLLM's max_num_active_seqs)."""
    TOKENS = "tokens"
    """Tokens of one step (max_num_batched_tokens)."""
    LONG_PREFILL = "longPrefill"
    """Tokens of one prompt in one step while others wait (long_prefill_token_threshold); 0 is no limit."""
    QUEUED_REQS = "queuedReqs"
    """Requests waiting or running, beyond which the next is shed (max_num_queued_reqs)."""
    QUEUED_TOKENS = "queuedTokens"
    """Prompt tokens of requests without a first token, beyond which the next is shed."""


class Latency(StrEnum):
    """The latency that an objective judges."""

    TTFT = "TimeToFirstToken"
    ITL = "InterTokenLatency"


@dataclass(frozen=True, slots=True)
class Objective:
    """One latency is to stay within a threshold."""

    name: str
    latency: Latency
    threshold_seconds: float


@dataclass(frozen=True, slots=True)
class LimitsFile:
    """The content of one file."""

    generation: int
    writer: str
    expires: float
    """Unix time; infinite where the file names none."""
    limits: dict[Limit, int]
    objectives: tuple[Objective, ...]

    def wanted(self, unix_time: float) -> dict[Limit, int]:
        """The limits that hold at `unix_time`; one that is left out is the start value."""
        if unix_time < self.expires:
            return self.limits
        steps = int((unix_time - self.expires) // STEP_SECONDS) + 1
        # 0 would never grow.
        growing = {limit: value << steps for limit, value in self.limits.items() if value}
        return growing if steps <= STEPS else {}


NOTHING = LimitsFile(generation=0, writer="", expires=math.inf, limits={}, objectives=())
"""What holds before any file was read."""


def parse(text: str) -> LimitsFile:
    """The file that `text` is. Raises ValueError that says what is wrong with it."""
    content = json.loads(text)
    try:
        return LimitsFile(
            generation=_whole(content["generation"], "generation"),
            writer=str(content.get("writer", "")),
            expires=_seconds(content.get("expires", math.inf), "expires"),
            limits={
                limit: _whole(content["limits"][limit], limit)
                for limit in Limit
                if limit in content["limits"]
            },
            objectives=tuple(_objective(each) for each in content.get("objectives", ())),
        )
    except KeyError as error:
        raise ValueError(f"{error} is missing") from None
    except (TypeError, AttributeError):
        raise ValueError("it is not of the form that the limits file has") from None


def newest(found: Iterable[LimitsFile], believed: LimitsFile) -> LimitsFile:
    """The one of the highest generation; at equal ones the latest lease, else the one believed so far."""
    return max((believed, *found), key=lambda each: (each.generation, each.expires))


def _objective(content: dict[str, Any]) -> Objective:
    return Objective(
        name=str(content["name"]),
        latency=Latency(content["metric"]),
        threshold_seconds=_seconds(content["threshold"], "threshold"),
    )


def _whole(value: object, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{name} is {value!r}: write a whole number, 0 or more")
    return value


def _seconds(value: object, name: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not value >= 0:
        raise ValueError(f"{name} is {value!r}: write a number of seconds, 0 or more")
    return float(value)
