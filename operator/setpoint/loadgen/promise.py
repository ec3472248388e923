"""Whether the promise held over a window: for each objective, which share stayed within its threshold.

What failed counts against every objective: a request as one that never came, its missing tokens as late ones.

A window may be looked at while requests are under way. Those that are slow have then not been answered yet,
so to count the answers alone would flatter: only what began so long ago that its verdict is known, whatever
comes, is counted, and what has overrun its threshold by then is late.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from setpoint.loadgen.estimates import Samples, Share
from setpoint.loadgen.records import Record, tokens_per_chunk
from setpoint.loadgen.window import Window
from setpoint.workload.objectives import Metric, Objective, RequestLatencies, Slo


def share_kept(objective: Objective, records: Sequence[Record], window: Window, taken: float) -> Share | None:
    """Return the share within the threshold of the window's requests, or of its gaps between chunks.

    None when there are none, or none is decided yet. A request belongs to the window that its scheduled time
    lies in, a gap to that of its beginning. `taken`: when the records were taken, in seconds since the stage
    began.
    """
    under_way = any(record.ended is None and record.scheduled < window.end for record in records)
    decided_before = min(window.end, taken - objective.threshold_seconds) if under_way else window.end
    decided = Window(window.start, decided_before)
    samples = Samples()
    for begun, seconds, number in (
        _gaps(records) if objective.metric is Metric.ITL else _waits(objective.metric, records)
    ):
        if begun in decided:
            samples.add(seconds, number, decided.batch(begun))
    return samples.share_within(objective.threshold_seconds) if samples.values else None


def is_good(slo: Slo, record: Record) -> bool:
    """Return whether a request meets every objective itself.

    One that failed or has not ended does not, nor does one whose gaps are promised and were not measured.
    """
    if not record.answered or record.first is None or record.ended is None:
        return False
    if not record.itl_is_known and any(each.metric is Metric.ITL for each in slo.objectives):
        return False
    return slo.is_good(
        RequestLatencies(
            ttft_seconds=record.first - record.scheduled,
            mean_itl_seconds=record.mean_itl_seconds,
            worst_itl_seconds=max((b - a for a, b in pairwise(record.arrivals)), default=0.0),
            e2e_seconds=record.ended - record.scheduled,
        )
    )


def _waits(metric: Metric, records: Sequence[Record]) -> Iterator[tuple[float, float, int]]:
    """Yield each request's beginning, its time (infinite when it failed or still waits), and its number."""
    for record in records:
        reached = record.first if metric is Metric.TTFT else record.ended
        waited = math.inf if record.error or reached is None else reached - record.scheduled
        yield record.scheduled, waited, record.number


def _gaps(records: Sequence[Record]) -> Iterator[tuple[float, float, int]]:
    """Yield the gaps between chunks likewise; each chunk that a failed request did not bring is infinite.

    How many chunks are missing follows from the missing tokens: the fraction of one is carried on.
    """
    per_chunk = tokens_per_chunk(records)
    missing = 0.0
    for record in records:
        for former, later in pairwise(record.arrivals):
            yield former, later - former, record.number
        chunks = len(record.arrivals)
        if record.error and record.ended is not None:
            tokens = record.output_tokens if record.output_tokens > chunks else chunks * per_chunk
            missing += max(0.0, record.output_tokens_asked - tokens) / per_chunk
            for _ in range(int(missing)):
                yield record.ended, math.inf, record.number
            missing %= 1
        elif record.ended is None and chunks and chunks * per_chunk < record.output_tokens_asked:
            yield record.arrivals[-1], math.inf, record.number
