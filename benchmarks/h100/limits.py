"""Moving the limits as the product does: a limits file is written, and the gauges say when it is in force."""

import json
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.h100 import exposition
from benchmarks.h100.exposition import InForce

CHANNEL = "setpoint_vllm"
"""How a row says that its limits were moved by the product's own plugin."""
_OBJECTIVES = [
    {"name": "first-token", "metric": "TimeToFirstToken", "threshold": 1.0},
    {"name": "between-tokens", "metric": "InterTokenLatency", "threshold": 0.05},
]
"""So that the plugin judges every token, as it does in a service that promises something."""
_WAIT_SECONDS = 15.0
_POLL_SECONDS = 0.2


def put_in_force(url: str, file: Path, limits: Mapping[str, int]) -> InForce:
    """Have these limits in force (by their keys in the limits file; one left out is the start value).

    Raises RuntimeError when the gauges do not say so in time, or when the engine keeps another value.
    """
    generation = 1 + max(exposition.in_force(exposition.read(url)).generation, _written(file))
    write(file, generation, limits)
    deadline = time.monotonic() + _WAIT_SECONDS
    while (found := exposition.in_force(exposition.read(url))).generation < generation:
        if time.monotonic() > deadline:
            raise RuntimeError(f"generation {generation} is not in force: /metrics tells of {found}")
        time.sleep(_POLL_SECONDS)
    missing = {name: value for name, value in limits.items() if not found.holds(name, value)}
    if missing:
        raise RuntimeError(f"asked for {missing}, which the engine does not take: /metrics tells of {found}")
    return found


def write(file: Path, generation: int, limits: Mapping[str, int]) -> None:
    """Write the limits file, whole."""
    content = {
        "generation": generation,
        "writer": "benchmark",
        "limits": dict(limits),
        "objectives": _OBJECTIVES,
    }
    partial = file.with_suffix(".new")
    partial.write_text(json.dumps(content))
    partial.rename(file)


def _written(file: Path) -> int:
    return int(json.loads(file.read_text())["generation"]) if file.exists() else 0
