"""What requests come, and when: the same for every arm that is compared on a seed and a rate."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from benchmarks.virtual.services import CHAT, DOCUMENTS, LONG_ANSWERS
from setpoint.simulator.experiment import Requests
from setpoint.simulator.play import Sent
from setpoint.workload.arrivals import Burst

BLOCK_SIZE = 16


HALF_SHARED = replace(DOCUMENTS, shared_prefix=0.5)


@dataclass(frozen=True)
class Load:
    """Poisson arrivals of one kind of request, of which a share, from start to end, is of another kind."""

    first: Requests
    typical_rate_per_second: float
    """Of the size that an engine sustains: where a search begins, and what its steps are counted from."""
    second: Requests | None = None
    second_shares: tuple[float, float] = (0.0, 0.0)
    """At the begin and at the end of the window."""
    second_weight: float = 1.0
    """How many of the second kind come in place of one of the first."""
    burst: int = 1
    """Requests that come at one instant."""
    warm_up_seconds: float = 60.0
    drain_seconds: float = 40.0
    """Enough for an answer that keeps the loosest promise to end."""

    def sent(self, rate_per_second: float, window_seconds: float, seed: int) -> Iterator[Sent]:
        """Yield what is sent through warm-up and window, in the order of time."""
        times, random = Random(f"{seed}/times"), Random(f"{seed}/lengths")
        duration = self.warm_up_seconds + window_seconds
        for offset in Burst(self.burst).offsets_seconds(rate_per_second, duration, times):
            within = max(offset - self.warm_up_seconds, 0.0) / window_seconds
            share = self.second_shares[0] + within * (self.second_shares[1] - self.second_shares[0])
            is_second = random.random() < share
            if is_second and random.random() >= self.second_weight:
                continue
            requests = self.second if is_second and self.second else self.first
            yield offset, requests.request(*requests.shape.sample(random), BLOCK_SIZE)


LOADS = {
    "chat": Load(CHAT, 45.0),
    "long prompts": Load(DOCUMENTS, 8.0),
    "mixed": Load(CHAT, 14.0, DOCUMENTS, (0.5, 0.5)),
    "long answers": Load(LONG_ANSWERS, 6.0, warm_up_seconds=120.0, drain_seconds=160.0),
    "drift": Load(CHAT, 40.0, LONG_ANSWERS, (0.0, 1.0), second_weight=0.15, drain_seconds=160.0),
    "burst": Load(CHAT, 40.0, burst=20),
    "prefix hits": Load(HALF_SHARED, 14.0),
}
