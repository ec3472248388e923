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
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

MAX_CHARACTERS = 65_536
"""No limits file is longer: of what is, not more than one character beyond is read."""
STEP_SECONDS = 10.0
"""After the lease a limit doubles at once, and again each time this has passed."""
STEPS = 8
"""After so many doublings a limit is gone: the start value holds."""


class Limit(str, Enum):
    """A limit that moves while the engine runs, by its key in the file and its label on /metrics."""

    SEQS = "seqs"
    """Requests that one rank runs at once (vLLM's max_num_active_seqs)."""
    TOKENS = "tokens"
    """Tokens of one step of one rank (max_num_batched_tokens)."""
    LONG_PREFILL = "longPrefill"
    """Tokens of one prompt in one step while others wait (long_prefill_token_threshold); 0 is no limit."""
    QUEUED_REQS = "queuedReqs"
    """Requests waiting or running in the whole engine, beyond which the next is shed."""
    QUEUED_TOKENS = "queuedTokens"
    """Prompt tokens of requests without a first token, beyond which the next is shed."""

    def __str__(self) -> str:
        return self.value


class Latency(str, Enum):
    """The latency that an objective judges."""

    TTFT = "TimeToFirstToken"
    ITL = "InterTokenLatency"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Objective:
    """One latency is to stay within a threshold."""

    name: str
    latency: Latency
    threshold_seconds: float


@dataclass(frozen=True)
class LimitsFile:
    """The content of one file."""

    generation: int = 0
    writer: str = ""
    expires: float = math.inf
    """Unix time; infinite where the file names none."""
    limits: dict[Limit, int] = field(default_factory=dict)
    objectives: tuple[Objective, ...] = ()

    def wanted(self, unix_time: float) -> dict[Limit, int]:
        """The limits that hold at `unix_time`; one that is left out is the start value.

        A function of the file and the time alone: every API server of an engine comes to the same.
        """
        if unix_time < self.expires:
            return self.limits
        steps = int((unix_time - self.expires) // STEP_SECONDS) + 1
        return {limit: value << steps for limit, value in self.limits.items()} if steps <= STEPS else {}


def parse(text: str) -> LimitsFile:
    """The file that `text` is. Raises ValueError that says what is wrong with it."""
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"it is longer than {MAX_CHARACTERS} characters")
    try:
        content = json.loads(text)
        return LimitsFile(
            generation=_whole(content["generation"], "generation"),
            writer=str(content.get("writer", "")),
            expires=_seconds(content["expires"], "expires") if "expires" in content else math.inf,
            limits={
                limit: _whole(value, f"limits.{limit}", least=_LEAST[limit])
                for limit in Limit
                if (value := content["limits"].get(limit.value)) is not None
            },
            objectives=tuple(map(_objective, content.get("objectives", ()))),
        )
    except KeyError as error:
        raise ValueError(f"{error} is missing") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except (TypeError, AttributeError):
        raise ValueError("it is not of the form that the limits file has") from None


def newest(found: Iterable[LimitsFile], believed: LimitsFile) -> LimitsFile:
    """The one of the highest generation; at equal ones of the latest lease, else what was found last."""

    def rank(file: LimitsFile) -> tuple[int, float]:
        return file.generation, file.expires

    best = max(found, key=rank, default=believed)
    return best if rank(best) >= rank(believed) else believed


_LEAST = dict.fromkeys(Limit, 1) | {Limit.LONG_PREFILL: 0}


def _objective(content: dict[str, Any]) -> Objective:
    return Objective(
        name=str(content["name"]),
        latency=Latency(content["metric"]),
        threshold_seconds=_seconds(content["threshold"], "threshold"),
    )


def _whole(value: object, name: str, *, least: int = 0) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value < 2**53:
        raise ValueError(f"{name} is {_short(value)}: write a whole number, {least} or more")
    return value


def _seconds(value: object, name: str) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise ValueError(f"{name} is {_short(value)}: write a number of seconds, 0 or more")
    return float(value)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
