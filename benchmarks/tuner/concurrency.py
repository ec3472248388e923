"""Additive increase, multiplicative decrease of the requests that run at once, by latency.

As in Netflix's concurrency-limits (AIMDLimit: one more where at least half of the limit is in use, times
0.9 when a latency is beyond its limit), a second at a time. The latency is that of the gaps between
tokens: that library refuses what exceeds its limit, so that waiting is no part of its latencies. If first
tokens counted, waiting would lower the limit, a lower limit lengthen the queue, and it would end at one
request. The token budget stays as it is.
"""

from collections.abc import Sequence

from benchmarks.tuner.windowed import Seen, Windowed
from setpoint.tuner.knobs import Knobs, Start
from setpoint.tuner.promise import Objective
from setpoint_vllm.limits_file import Latency

BACKOFF = 0.9
INCREASE_PER_SECOND = 1.0


class Aimd(Windowed):
    """Judges each look at the engine by itself."""

    settle_seconds = 0.0
    measured_seconds = 5.0

    def __init__(self, objectives: Sequence[Objective], start: Start) -> None:
        super().__init__(objectives, start)
        self._limit = float(start.seqs)

    def next_knobs(self, window: Seen) -> Knobs:
        """Return fewer sequences when gaps were too long, more when they were not and the limit is in use."""
        gaps = [
            excess
            for excess, each in zip(window.excess_shares, self.objectives, strict=True)
            if each.latency is Latency.ITL
        ]
        if max(gaps, default=0.0) > 0:
            in_use = min(self._limit, max(window.running, 1.0))
            self._limit = max(BACKOFF * in_use, 1.0)
        elif 2 * window.running >= self._limit:
            increase = INCREASE_PER_SECOND * self.measured_seconds
            self._limit = min(self._limit + increase, float(self.start.seqs))
        sequences = int(self._limit)
        return Knobs(seqs=sequences if sequences < self.start.seqs else None)
