"""One experiment in virtual time: a load on replicas of an engine."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile

from setpoint.simulator.engine import Engine
from setpoint.simulator.limits import EngineConfig, Limits
from setpoint.simulator.parameters import Parameters
from setpoint.simulator.play import Play, Sent
from setpoint.simulator.replica import Replica
from setpoint.simulator.request import Request
from setpoint.simulator.router import Router
from setpoint.simulator.step import Step
from setpoint.workload.arrivals import Arrivals
from setpoint.workload.draws import Shape, client, open_loop


@dataclass(frozen=True, slots=True)
class Requests:
    """What requests are like."""

    shape: Shape
    shared_prefix: float = 0.0
    """Share of each prompt, 0 to 1, that all have in common."""

    def request(self, prompt_tokens: int, output_tokens: int, block_size: int) -> Request:
        """Return one of these lengths."""
        shared_blocks = int(self.shared_prefix * prompt_tokens) // block_size
        return Request(prompt_tokens, output_tokens, range(shared_blocks))


@dataclass(frozen=True, slots=True)
class ClosedLoop:
    """So many clients, each sending its next request when the last is answered."""

    clients: int


@dataclass(frozen=True, slots=True)
class OpenLoop:
    """Requests at a rate, whatever the engines do."""

    rate_per_second: float
    arrivals: Arrivals


@dataclass(frozen=True, slots=True)
class Service:
    """Replicas of one engine behind a router."""

    config: EngineConfig
    limits: Limits
    step_seconds: Callable[[Step], float]
    parameters: Parameters
    router: Router
    replicas: int = 1

    def start(self) -> list[Replica]:
        """Return replicas that are ready at 0 seconds."""
        replicas = []
        for _ in range(self.replicas):
            engine = Engine(self.config, self.step_seconds)
            engine.set_limits(self.limits)
            replicas.append(Replica(engine, self.parameters))
        return replicas


def run(
    service: Service,
    load: ClosedLoop | OpenLoop,
    requests: Requests,
    duration_seconds: float,
    seed: int | str,
) -> Play:
    """Put the load on the service for so long, and return the play, whose record has what its clients saw.

    The same seed gives the same requests, and in an open loop the same arrivals, whatever the service.
    """
    block_size = service.config.block_size
    network_seconds = service.parameters.network_seconds
    replicas = service.start()
    if isinstance(load, OpenLoop):
        play = Play(replicas, network_seconds, service.router)
        play.send(arriving(load, requests, duration_seconds, seed, block_size))
    else:
        draws = _Clients(load.clients, requests, seed, block_size)
        play = Play(replicas, network_seconds, service.router, draws.next_of)
        play.send(draws.first())
    play.run_until(duration_seconds)
    return play


def arriving(
    load: OpenLoop, requests: Requests, duration_seconds: float, seed: int | str, block_size: int
) -> Iterator[Sent]:
    """Yield what an open loop sends within the duration, in the order of time."""
    drawn = open_loop(requests.shape, load.arrivals, load.rate_per_second, duration_seconds, seed)
    within = takewhile(lambda each: each[0] < duration_seconds, drawn)
    return ((offset, requests.request(prompt, output, block_size)) for offset, prompt, output in within)


class _Clients:
    """The clients of a closed loop, and whose each request is."""

    def __init__(self, clients: int, requests: Requests, seed: int | str, block_size: int) -> None:
        self._lengths = [client(requests.shape, number, seed) for number in range(clients)]
        self._requests = requests
        self._block_size = block_size
        self._lengths_of: dict[Request, Iterator[tuple[int, int]]] = {}

    def first(self) -> Iterable[Sent]:
        return [self._draw(lengths, 0.0) for lengths in self._lengths]

    def next_of(self, request: Request, now: float) -> Sent:
        return self._draw(self._lengths_of.pop(request), now)

    def _draw(self, lengths: Iterator[tuple[int, int]], now: float) -> Sent:
        request = self._requests.request(*next(lengths), self._block_size)
        self._lengths_of[request] = lengths
        return now, request
