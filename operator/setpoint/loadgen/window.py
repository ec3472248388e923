"""The measured window of one stage: which samples fall into it, and batch by batch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from setpoint.loadgen.estimates import BATCHES, Samples
from setpoint.loadgen.records import Record
from setpoint.loadgen.stationarity import warm_up_length

_SLICES = 60
"""Into so many spans a stage is cut to find its warm-up."""


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` to `end`, in seconds since the stage began."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end - self.start

    def __contains__(self, moment: float | None) -> bool:
        return moment is not None and self.start <= moment < self.end

    def batch(self, moment: float) -> int:
        """Return the number, from 0, of the batch that a moment in the window falls into."""
        return min(BATCHES - 1, int((moment - self.start) / self.seconds * BATCHES))

    def counts(self, moments: Iterator[tuple[float, float]]) -> list[float]:
        """Return the sum of the weights (moment, weight) in each batch."""
        sums = [0.0] * BATCHES
        for moment, weight in moments:
            if moment in self:
                sums[self.batch(moment)] += weight
        return sums


def find_window(records: Sequence[Record], end: float, warm_up_seconds: float | None) -> Window:
    """Return the window up to `end`: after the warm-up, which is found when it is not given.

    It is over when neither the rate of tokens nor the number of requests under way still rises from the empty
    start, and not before half of the requests could have ended; at half of the stage at the latest.
    """
    if warm_up_seconds is not None:
        return Window(warm_up_seconds, end)
    whole = Window(0.0, end)
    tokens = [0.0] * _SLICES
    for record in records:
        for moment in record.arrivals:
            if moment in whole:
                tokens[int(moment / end * _SLICES)] += 1
    load = under_way(records, [(number + 0.5) * end / _SLICES for number in range(_SLICES)])
    settled = max(map(warm_up_length, (tokens, load))) * end / _SLICES
    answers = [record.ended - record.scheduled for record in records if record.ended and record.answered]
    return Window(max(settled, min(end / 2, median(answers))) if answers else settled, end)


def under_way(records: Sequence[Record], moments: Sequence[float]) -> list[float]:
    """Return how many requests were under way, or late to be sent, at each of the ascending moments."""
    changes = [(record.scheduled, 1) for record in records]
    changes += [(record.ended, -1) for record in records if record.ended is not None]
    changes.sort()
    found: list[float] = []
    number = position = 0
    for moment in moments:
        while position < len(changes) and changes[position][0] <= moment:
            number += changes[position][1]
            position += 1
        found.append(number)
    return found


@dataclass(frozen=True, slots=True)
class Latencies:
    """The samples of a window."""

    ttft: Samples
    """By request, of those first answered in the window."""
    itl: Samples
    """By gap between chunks, of those that end in the window."""
    tpot: Samples
    """By request, of those answered to their end in the window; so is e2e."""
    e2e: Samples


def latencies(records: Sequence[Record], window: Window) -> Latencies:
    """Return the samples of a window."""
    found = Latencies(Samples(), Samples(), Samples(), Samples())
    for record in records:
        first, ended = record.first, record.ended
        if first is not None and first in window:
            found.ttft.add(first - record.scheduled, record.number, window.batch(first))
        for former, later in pairwise(record.arrivals):
            if later in window:
                found.itl.add(later - former, record.number, window.batch(later))
        if ended is not None and record.error is None and ended in window:
            batch = window.batch(ended)
            found.e2e.add(ended - record.scheduled, record.number, batch)
            if record.output_tokens > 1 and record.itl_is_known:
                found.tpot.add(record.mean_itl_seconds, record.number, batch)
    return found
