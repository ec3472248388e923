"""The limits file that brings what is wanted to an engine, as `setpoint_vllm.limits_file` reads it."""

import json

from setpoint.tuner.knobs import Start, limits
from setpoint.tuner.state import Settings, State


def limits_file(state: State, settings: Settings, start: Start | None) -> str:
    """Return the file's text.

    Without `start`, as before an engine has told it, no limits can be wanted.
    """
    content = {
        "generation": state.generation,
        "writer": settings.writer,
        "limits": limits(state.knobs, start) if start else {},
        "objectives": [
            {"name": each.name, "metric": each.latency, "threshold": each.threshold_seconds}
            for each in settings.objectives
        ],
    }
    if state.expires_seconds is not None:
        content["expires"] = state.expires_seconds
    return json.dumps(content, separators=(",", ":"))
