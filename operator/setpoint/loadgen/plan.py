"""What is sent, and when: drawn ahead from a seed, so that two engines can be given the same load."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from setpoint.workload.arrivals import Arrivals
from setpoint.workload.draws import Shape, client, open_loop


@dataclass(frozen=True, slots=True)
class Request:
    """One request to be sent."""

    number: int
    """Unique within the stage."""
    prompt_tokens: int
    output_tokens: int
    scheduled: float = 0.0
    """Seconds since the stage began; in a closed loop its client decides."""


@dataclass(frozen=True, slots=True)
class OpenPlan:
    """Requests at a rate, whatever the endpoint does.

    The plan has no end: the pattern over the duration, then anew. So the last requests of the measured window
    are served under the same load as its first.
    """

    arrivals: Arrivals
    rate_per_second: float
    duration_seconds: float
    shape: Shape
    seed: str

    def requests(self) -> Iterator[Request]:
        """Yield the requests in the order of their times."""
        drawn = open_loop(self.shape, self.arrivals, self.rate_per_second, self.duration_seconds, self.seed)
        for number, (scheduled, prompt_tokens, output_tokens) in enumerate(drawn):
            yield Request(number, prompt_tokens, output_tokens, scheduled)


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """The requests of a trace, in the order of their times."""

    trace: tuple[Request, ...]

    def requests(self) -> Iterator[Request]:
        """Yield the requests in the order of their times."""
        return iter(self.trace)


@dataclass(frozen=True, slots=True)
class ClosedPlan:
    """So many clients, each sending its next request when the last is answered."""

    clients: int
    shape: Shape
    seed: str

    def requests(self, number: int) -> Iterator[Request]:
        """Yield the requests of one client, without an end."""
        drawn = client(self.shape, number, self.seed)
        for own, lengths in zip(count(number, self.clients), drawn, strict=False):
            yield Request(own, *lengths)


Plan = OpenPlan | ReplayPlan | ClosedPlan
