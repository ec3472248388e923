"""Which replica gets a request."""

from collections.abc import Callable, Sequence
from itertools import count

from setpoint.simulator.engine import Engine
from setpoint.simulator.replica import Replica
from setpoint.simulator.request import Request

Router = Callable[[Sequence[Replica], Request], Replica]
"""Chooses among the replicas that are ready, in a fixed order, of which there is at least one."""


def round_robin() -> Router:
    """Return a router that takes one after the other."""
    turns = count()
    return lambda replicas, _: replicas[next(turns) % len(replicas)]


def least_waiting() -> Router:
    """Return a router that takes the replica with the fewest waiting requests, then the fewest running."""
    return lambda replicas, _: min(replicas, key=lambda replica: _load(replica.engine))


def prefix_aware(most_waiting: int = 4) -> Router:
    """Return a router that takes the replica that holds most of the prompt, the least loaded of equals.

    A replica with more than `most_waiting` requests waiting beyond the least loaded one is passed over, so
    that a popular prefix does not overload the replica that has it.
    """

    def choose(replicas: Sequence[Replica], request: Request) -> Replica:
        least = min(len(each.engine.scheduler.waiting) for each in replicas)
        near = [each for each in replicas if len(each.engine.scheduler.waiting) <= least + most_waiting]
        return max(
            near,
            key=lambda each: (_cached_blocks(each.engine, request), *(-load for load in _load(each.engine))),
        )

    return choose


ROUTERS: dict[str, Callable[[], Router]] = {
    "round-robin": round_robin,
    "least-waiting": least_waiting,
    "prefix-aware": prefix_aware,
}


def _load(engine: Engine) -> tuple[int, int]:
    return len(engine.scheduler.waiting), len(engine.scheduler.running)


def _cached_blocks(engine: Engine, request: Request) -> int:
    blocks = engine.scheduler.blocks
    return blocks.find(request.block_keys, None, request.prompt_tokens // blocks.block_tokens).blocks
