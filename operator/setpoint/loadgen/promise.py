"""Whether the promise held over a window: for each objective, which share stayed within its threshold.

What failed counts against every objective: a request as one that never came, its missing tokens as late ones.
A request whose first token is still to come counts once it has waited longer than the threshold.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

from setpoint.loadgen.estimates import Samples, Share
from setpoint.loadgen.records import Record
from setpoint.loadgen.window import Window
from setpoint.workload.objectives import Metric, Objective, RequestLatencies, Slo


def share_kept(objective: Objective, records: Sequence[Record], window: Window, taken: float) -> Share | None:
    """Return the share of the window's requests, or tokens, within the threshold; None when there are none.

    `taken`: when the records were taken, in seconds since the stage began.
    """
    samples = Samples()
    for record in records:
        if objective.metric is Metric.ITL:
            _add_gaps(samples, record, window)
        elif record.scheduled in window:
            reached = record.first if objective.metric is Metric.TTFT else record.ended
            value = math.inf if record.error else (taken if reached is None else reached) - record.scheduled
            if reached is not None or value > objective.threshold_seconds:
                samples.add(value, record.number, window.batch(record.scheduled))
    return samples.share_within(objective.threshold_seconds) if samples.values else None


def is_good(slo: Slo, record: Record) -> bool:
    """Return whether a request meets every objective itself; one that failed or has not ended does not."""
    if not record.answered or record.first is None or record.ended is None:
        return False
    return slo.is_good(
        RequestLatencies(
            ttft_seconds=record.first - record.scheduled,
            mean_itl_seconds=record.mean_itl_seconds,
            worst_itl_seconds=max((b - a for a, b in pairwise(record.arrivals)), default=0.0),
            e2e_seconds=record.ended - record.scheduled,
        )
    )


def _add_gaps(samples: Samples, record: Record, window: Window) -> None:
    for former, later in pairwise(record.arrivals):
        if later in window:
            samples.add(later - former, record.number, window.batch(later))
    if record.error and record.ended is not None and record.ended in window:
        for _ in range(record.output_tokens_asked - len(record.arrivals)):
            samples.add(math.inf, record.number, window.batch(record.ended))
