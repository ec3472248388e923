"""What clients would see under other limits, at a rate: a walk through steps in time.

As `batching`, but requests come when they come (Poisson), and steps take what they cost. Nothing of HTTP, the
network or the API server is in it, and nothing of the KV cache's end.
"""

import math
import random
from bisect import bisect_left
from collections import deque
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from setpoint.tuner.batching import Batch, Mix, saturated
from setpoint.tuner.promise import Objective
from setpoint.tuner.stepcost import StepCost
from setpoint_vllm.limits_file import Latency

WARM_UP_SHARE = 0.25
LEAST_REQUESTS, MOST_STEPS = 600, 12_000
"""A walk goes on until so many requests had their first token, and never for more steps."""
LEAST_COMPLETED_SHARE = 0.95
"""Of what arrived: fewer means a queue that grows. 0.98 over minutes; a walk is shorter."""
BISECTIONS = 7


@dataclass(frozen=True)
class Forecast:
    """What a walk came to, without its beginning."""

    gaps: tuple[tuple[float, float], ...]
    """Seconds of a gap between tokens, in ascending order, and how many of that there were."""
    first_tokens: tuple[float, ...]
    """Seconds to the first token, in ascending order."""
    completed_share: float
    """First tokens by arrivals in the same time."""
    busy_share: float

    @cached_property
    def _counts(self) -> list[float]:
        return list(accumulate(count for _, count in self.gaps))

    def quantile_seconds(self, latency: Latency, share: float) -> float:
        """The latency that so many do not exceed; 0 where there was none, infinite while the queue grows."""
        if latency is Latency.ITL:
            if not self.gaps:
                return 0.0
            return self.gaps[min(bisect_left(self._counts, share * self._counts[-1]), len(self.gaps) - 1)][0]
        if self.completed_share < LEAST_COMPLETED_SHARE:
            return math.inf
        seen = self.first_tokens
        return seen[min(int(share * len(seen)), len(seen) - 1)] if seen else 0.0

    def bad_share(self, latency: Latency, threshold_seconds: float) -> float:
        """Share of such latencies beyond a threshold."""
        if latency is Latency.ITL:
            total = self._counts[-1] if self.gaps else 0.0
            late = sum(count for seconds, count in self.gaps if seconds > threshold_seconds)
            return late / total if total else 0.0
        late = sum(seconds > threshold_seconds for seconds in self.first_tokens)
        return late / len(self.first_tokens) if self.first_tokens else 0.0

    def keeps(self, objectives: tuple[Objective, ...], margin: float) -> bool:
        """Whether every objective is kept within so much of its threshold."""
        if self.completed_share < LEAST_COMPLETED_SHARE:
            return False
        return all(
            self.quantile_seconds(each.latency, each.percentile / 100) <= margin * each.threshold_seconds
            for each in objectives
        )


def forecast(
    seqs: int, tokens: int, mix: Mix, rate_per_second: float, cost: StepCost, seed: int = 0
) -> Forecast:
    """Walk through the steps of one engine that gets so many requests a second."""
    draw = random.Random(seed)
    batch = Batch(seqs, tokens, mix, draw, is_full=False)
    queued: deque[float] = deque()
    now = busy = 0.0
    following = draw.expovariate(rate_per_second)
    arrivals: list[float] = []
    firsts: list[tuple[float, float]] = []
    gaps: list[tuple[float, float, int]] = []
    while batch.steps < MOST_STEPS and len(firsts) < LEAST_REQUESTS:
        batch.retire()
        if batch.is_empty and not queued:
            now = max(now, following)
        while following <= now:
            queued.append(following)
            arrivals.append(following)
            following += draw.expovariate(rate_per_second)
        while queued and batch.has_room:
            batch.admit(queued.popleft())
        step = batch.step()
        seconds = cost.seconds(step.tokens, step.running * mix.context_tokens)
        now += seconds
        busy += seconds
        gaps.append((now, seconds, step.running))
        firsts += [(came, now - came) for came in step.completed]
    begin = WARM_UP_SHARE * now
    counted = sorted((seconds, running) for at, seconds, running in gaps if at >= begin and running)
    came = sum(at >= begin for at in arrivals)
    answered = sum(at + seconds >= begin for at, seconds in firsts)
    return Forecast(
        gaps=tuple((seconds, float(running)) for seconds, running in counted),
        first_tokens=tuple(sorted(seconds for at, seconds in firsts if at + seconds >= begin)),
        completed_share=answered / came if came else 1.0,
        busy_share=busy / now if now else 0.0,
    )


def sustainable_rate(
    seqs: int,
    tokens: int,
    mix: Mix,
    cost: StepCost,
    objectives: tuple[Objective, ...],
    margin: float = 1.0,
) -> float:
    """Return the highest rate of requests a second at which every objective is kept, by bisection.

    It is below the rate at which all places are taken all the time; 0 where not even a thirtieth of that
    keeps the promise.
    """
    walk = saturated(_occupied(seqs, tokens, mix), tokens, mix)
    highest = walk.requests_per_step / walk.step_seconds(cost)
    if not highest:
        return 0.0
    low, high = 0.0, highest
    for number in range(BISECTIONS):
        middle = (low + high) / 2 if number else 0.97 * high
        if middle < highest / 30:
            return 0.0
        if forecast(seqs, tokens, mix, middle, cost).keeps(objectives, margin):
            low = middle
        else:
            high = middle
    return low


def _occupied(seqs: int, tokens: int, mix: Mix) -> int:
    """So many places are ever of use: with more, steps are full and only prompts wait in them."""
    decoding = tokens * mix.output_tokens / (mix.prompt_tokens + mix.output_tokens)
    return max(min(seqs, int(decoding) + int(tokens / max(mix.prompt_tokens, 1)) + 2), 1)
