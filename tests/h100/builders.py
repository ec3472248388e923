"""Lines of the H100's rows, as their readers take them."""

from collections.abc import Sequence
from typing import Any


def line(
    cell: str,
    start: str = "default",
    channel: str | None = None,
    flags: Sequence[str] = (),
    **stage: Any,
) -> dict[str, Any]:
    """Return a line of the rows' file with what the curve reads of it."""
    p95 = {"p95": {"value": 0.02, "low": 0.019, "high": 0.021}}
    whole: dict[str, Any] = {
        "load": {"rate_per_second": 44.0},
        "window_seconds": 60.0,
        "requests_offered": 100,
        "requests_completed": 99,
        "output_tokens_per_second": {"value": 5600.0},
        "ttft": p95,
        "itl": p95,
        "stationary": True,
        "unsteady": [],
        "invalid": [],
    }
    limits = {"max_num_seqs": 1024, "max_num_batched_tokens": 512}
    told = {"channel": channel} if channel else {}
    row = {"cell": cell, "start": start, "flags": list(flags), "limits": limits}
    return row | {"report": {"stages": [whole | stage]}} | told
