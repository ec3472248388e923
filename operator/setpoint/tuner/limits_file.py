"""The limits file that brings what is wanted to an engine, as `setpoint_vllm.limits_file` reads it."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from setpoint.tuner.knobs import Start, limits
from setpoint.tuner.promise import Objective
from setpoint.tuner.state import Settings, State
from setpoint_vllm.limits_file import Limit


def limits_file(state: State, settings: Settings, start: Start | None) -> str:
    """Return the file's text.

    Without `start`, as before an engine has told it, no limits can be wanted.
    """
    return rendered(
        state.generation,
        settings.writer,
        limits(state.knobs, start) if start else {},
        settings.objectives,
        expires_seconds=state.expires_seconds,
    )


def rendered(
    generation: int,
    writer: str,
    limits: Mapping[Limit, int],
    objectives: Iterable[Objective],
    *,
    expires_seconds: float | None,
) -> str:
    """Return the text of a file that says this; the same for the same. `expires_seconds` is Unix time."""
    content: dict[str, Any] = {
        "generation": generation,
        "writer": writer,
        "limits": dict(sorted(limits.items())),
        "objectives": [
            {"name": each.name, "metric": each.latency, "threshold": each.threshold_seconds}
            for each in objectives
        ],
    }
    if expires_seconds is not None:
        content["expires"] = expires_seconds
    return json.dumps(content, separators=(",", ":"))
