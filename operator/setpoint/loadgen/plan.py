"""What is sent, and when: drawn ahead from a seed, so that two engines can be given the same load."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from random import Random

from setpoint.workload.arrivals import Arrivals
from setpoint.workload.lengths import Lengths


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
class Shape:
    """How long the requests are."""

    prompt_tokens: Lengths
    output_tokens: Lengths

    def request(self, number: int, random: Random, scheduled: float = 0.0) -> Request:
        """Draw a request."""
        prompt_tokens, output_tokens = self.prompt_tokens.sample(random), self.output_tokens.sample(random)
        return Request(number, prompt_tokens, output_tokens, scheduled)


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
        times, lengths = Random(f"{self.seed}/arrivals"), Random(f"{self.seed}/lengths")
        numbers = count()
        for turn in count():
            start = turn * self.duration_seconds
            for offset in self.arrivals.offsets_seconds(self.rate_per_second, self.duration_seconds, times):
                yield self.shape.request(next(numbers), lengths, start + offset)


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

    def requests(self, client: int) -> Iterator[Request]:
        """Yield the requests of one client, without an end."""
        random = Random(f"{self.seed}/{client}")
        for number in count(client, self.clients):
            yield self.shape.request(number, random)


Plan = OpenPlan | ReplayPlan | ClosedPlan
