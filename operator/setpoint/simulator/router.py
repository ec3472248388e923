"""Which replica gets a request."""

from collections.abc import Callable, Sequence
from itertools import count

from setpoint.simulator.engine import Engine, Shed
from setpoint.simulator.request import Request

Policy = Callable[[Sequence[Engine], Request], Engine]
"""Chooses among the engines that are ready, in a fixed order, of which there is at least one."""


def round_robin() -> Policy:
    """Return a policy that takes one after the other."""
    turns = count()
    return lambda engines, _: engines[next(turns) % len(engines)]


def least_waiting() -> Policy:
    """Return a policy that takes the engine with the fewest waiting requests, then the fewest running."""
    return lambda engines, _: min(engines, key=_load)


def prefix_aware(most_waiting: int = 4) -> Policy:
    """Return a policy that takes the engine that holds most of the prompt, the least loaded of equals.

    An engine with more than `most_waiting` requests waiting beyond the least loaded one is passed over, so
    that a popular prefix does not overload the engine that has it.
    """

    def choose(engines: Sequence[Engine], request: Request) -> Engine:
        least = min(len(engine.scheduler.waiting) for engine in engines)
        near = [each for each in engines if len(each.scheduler.waiting) <= least + most_waiting]
        return max(
            near, key=lambda engine: (_cached_blocks(engine, request), *(-each for each in _load(engine)))
        )

    return choose


POLICIES: dict[str, Callable[[], Policy]] = {
    "round-robin": round_robin,
    "least-waiting": least_waiting,
    "prefix-aware": prefix_aware,
}


class Router:
    """Several replicas as one place to send requests to."""

    def __init__(self, engines: Sequence[Engine], policy: Policy) -> None:
        self.engines = engines
        self._policy = policy

    def submit(self, request: Request, now: float) -> None:
        """Give a request to a replica. Raises Shed when none is ready or the chosen one's queue is full."""
        ready = [engine for engine in self.engines if engine.ready_seconds <= now]
        if not ready:
            raise Shed("not_ready")
        self._policy(ready, request).submit(request, now)


def _load(engine: Engine) -> tuple[int, int]:
    return len(engine.scheduler.waiting), len(engine.scheduler.running)


def _cached_blocks(engine: Engine, request: Request) -> int:
    blocks = engine.scheduler.blocks
    return blocks.find(request.block_keys, None, request.prompt_tokens // blocks.block_tokens).blocks
