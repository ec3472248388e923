"""A recorded load, to be replayed: one JSON object a line, with the time of a request and its lengths."""

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from setpoint.loadgen.plan import Request
from setpoint.workload.lengths import MAX_TOKENS

_FORM = '{"timestamp": 0.25, "prompt_tokens": 512, "output_tokens": 128}, with the timestamp in seconds'


class _Line(BaseModel):
    """One request of the file; other keys are passed over."""

    model_config = ConfigDict(extra="ignore", strict=True)

    timestamp: float = Field(allow_inf_nan=False)
    prompt_tokens: int = Field(ge=1, le=MAX_TOKENS)
    output_tokens: int = Field(ge=1, le=MAX_TOKENS)


def read_trace(path: Path, speed: float = 1.0) -> list[Request]:
    """Return the requests in the order of their times, the first at 0, `speed` times as fast as recorded.

    Raises ValueError, which names the line and the key, for a file that is no trace.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from None
    rows = [_parse(line, f"{path}:{number}") for number, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        raise ValueError(f"{path} has no request: write lines such as {_FORM}")
    rows.sort(key=lambda row: row.timestamp)
    start = rows[0].timestamp
    return [
        Request(number, row.prompt_tokens, row.output_tokens, (row.timestamp - start) / speed)
        for number, row in enumerate(rows)
    ]


def trace_seconds(trace: Sequence[Request]) -> float:
    """Return how long a trace is: from its first request to one mean gap after its last.

    So the last one lies within it, and n requests a second apart are n seconds; 0 when all come at once.
    """
    span = trace[-1].scheduled
    return span + span / (len(trace) - 1) if len(trace) > 1 else 0.0


def _parse(line: str, source: str) -> _Line:
    try:
        return _Line.model_validate(json.loads(line))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise ValueError(f"{source}: {key}: {first['msg']}: write lines such as {_FORM}") from None
    except ValueError:
        raise ValueError(f"{source}: {line[:80]!r} is not JSON: write lines such as {_FORM}") from None
