"""What moves over a window that should be steady, and whether it moves for the worse.

A load that cannot be sustained shows in what rises. What falls tells of the engine, such as one that still
compiles or fills its caches: the window is not steady then either, but that is no evidence against the load.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from setpoint.loadgen.estimates import BATCHES, Samples
from setpoint.loadgen.records import Record
from setpoint.loadgen.stationarity import behind, trend
from setpoint.loadgen.window import Latencies, Window, under_way


@dataclass(frozen=True, slots=True)
class Drift:
    """One figure that moves."""

    told: str
    """Such as `ttft rises from 120.0 ms to 1.35 s over the window`."""
    worsens: bool


def drifts(records: Sequence[Record], window: Window, samples: Latencies, *, open_loop: bool) -> list[Drift]:
    """Return why the window is not stationary. In an open loop arrivals do not wait."""
    return list(_drifts(records, window, samples, open_loop=open_loop))


def _drifts(
    records: Sequence[Record], window: Window, samples: Latencies, *, open_loop: bool
) -> Iterator[Drift]:
    batch_seconds = window.seconds / BATCHES
    moments = [window.start + (number + 0.5) * batch_seconds for number in range(BATCHES)]
    load = under_way(records, moments)
    offered = sum(record.scheduled in window for record in records)
    completed = sum(record.answered and record.ended in window for record in records)
    if open_loop and behind(offered, completed, load):
        yield Drift(f"completions fall behind arrivals: {completed} of {offered}", worsens=True)
    for name, series, text in (
        ("the number of requests under way", load, "{:g}".format),
        ("ttft", _by_batch(samples.ttft, median), _seconds),
        ("itl", _by_batch(samples.itl, fmean), _seconds),
    ):
        if moved := trend(series):
            begin, end = moved
            moves = "rises" if end > begin else "falls"
            told = f"{name} {moves} from {text(begin)} to {text(end)} over the window"
            yield Drift(told, worsens=end > begin)


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.1f} ms"


def _by_batch(samples: Samples, summary: Callable[[list[float]], float]) -> list[float]:
    batches: list[list[float]] = [[] for _ in range(BATCHES)]
    for value, batch in zip(samples.values, samples.batches, strict=True):
        batches[batch].append(value)
    return [summary(batch) for batch in batches if batch]
