"""A load over time: phases, each with its rate, and where it differs, with its own requests."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from operator import itemgetter

from setpoint.simulator.experiment import OpenLoop, Requests, arriving
from setpoint.simulator.play import Sent
from setpoint.workload.arrivals import Arrivals, Burst

POISSON = Burst(1)


@dataclass(frozen=True)
class Stream:
    """A share, 0 to 1, of a phase's requests, which are of one kind."""

    requests: Requests
    share: float = 1.0


@dataclass(frozen=True)
class Phase:
    """A part of a load: so many requests a second for so long."""

    duration_seconds: float
    rate_per_second: float
    streams: tuple[Stream, ...] = ()
    """What is sent, each stream by itself; those of the whole run where there are none."""
    arrivals: Arrivals = POISSON


def sent(phases: Sequence[Phase], requests: Requests | None, seed: int, block_size: int) -> Iterator[Sent]:
    """Yield what clients send through the phases, in the order of time.

    A phase without streams sends `requests`. Raises ValueError when there are none either.
    """
    start = 0.0
    for number, phase in enumerate(phases):
        for offset, request in _phase(phase, requests, f"{seed} {number}", block_size):
            yield start + offset, request
        start += phase.duration_seconds


def _phase(phase: Phase, requests: Requests | None, seed: str, block_size: int) -> Iterator[Sent]:
    def of(stream: Requests, rate_per_second: float, seed: str) -> Iterator[Sent]:
        load = OpenLoop(rate_per_second, phase.arrivals)
        return arriving(load, stream, phase.duration_seconds, seed, block_size)

    if not phase.streams:
        if requests is None:
            raise ValueError("a phase has no streams, and the run no requests: give it one of them")
        return of(requests, phase.rate_per_second, seed)
    drawn = (
        of(each.requests, each.share * phase.rate_per_second, f"{seed} {number}")
        for number, each in enumerate(phase.streams)
    )
    return merge(*drawn, key=itemgetter(0))
