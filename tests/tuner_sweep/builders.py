"""Rows of a sweep with defaults."""

from dataclasses import replace

from benchmarks.tuner.trial import Row

_ROW = Row(
    load="chat",
    promise="itl 30 ms, ttft 1 s",
    arm="default",
    seed=1,
    seconds=1200,
    offered=1000,
    bad=0,
    shed=0,
    good_tokens=128_000,
    ttft_p95=0.2,
    itl_p95=0.02,
    windows=20,
    windows_kept=20,
    changes=0,
    settled_windows=0,
    bad_before_settled=0,
    recovered_windows=(),
    start_sequences=1024,
    start_tokens=8192,
    sequences=1024,
    tokens=8192,
    sustainable_per_second=10.0,
)


def a_row(arm: str = "default", rate: float = 10.0, **others: object) -> Row:
    """Return a row of this arm with this sustainable rate."""
    return replace(_ROW, arm=arm, sustainable_per_second=rate, **others)  # type: ignore[arg-type]
