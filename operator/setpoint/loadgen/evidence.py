"""What one stage at one rate shows of it: that the promise holds, that it breaks, or neither.

A stage is a sequential test. At each look the share of requests (of gaps, for the ITL) beyond each threshold
is held against the share that the percentile allows, by exact binomial tests on effective counts, with an
error of 5 % each way. A rate

- breaks as soon as an objective is shown to be missed, in the second half of the window too, or when at the
  last look something rises: latency, or the number of requests that wait. The error is spent evenly over the
  looks (Bonferroni);
- holds when at the last look every objective is shown to be met and the stage is stationary;
- is unclear when the longest stage shows neither: the capacity is near, no request was decided, or a latency
  falls, as that of an engine that still warms up.

Lateness comes in bursts, and a window without one says less than its requests are many: the next burst was
not seen, so neither was its length. A rate holds only if the window could bear one burst more than it had,
a quarter as long as what the percentile allows (Agresti and Coull, American Statistician 52, 1998, add
successes and failures for a like reason). Longer stages thereby guard against longer bursts: 180 s and a p95
against bursts of 2 s, as benchmarks/loadgen/capacity_verdicts.py shows.
"""

import math
from enum import StrEnum

from setpoint.loadgen.drift import drifts
from setpoint.loadgen.estimates import Share
from setpoint.loadgen.measure import Held
from setpoint.loadgen.promise import share_kept
from setpoint.loadgen.window import Window, find_window, latencies
from setpoint.workload.binomial import chance_of_at_least, chance_of_at_most
from setpoint.workload.objectives import Objective, Slo

LOOKS = (0.125, 0.25, 0.5, 1.0)
"""When a stage is looked at, in shares of its longest duration."""
_ALPHA = 0.05
_UNSEEN_BURST = 0.25
"""Of the share that may be late. A third would leave a flawless window hardly enough to hold."""


class Verdict(StrEnum):
    """What a stage shows of its rate."""

    HOLDS = "holds"
    BREAKS = "breaks"
    UNCLEAR = "unclear"


def judge(held: Held, slo: Slo, share_of_longest: float) -> Verdict:
    """Return what a stage shows at a look; a stage that is not at its end goes on while it is unclear."""
    window = find_window(held.records, held.end, None)
    moving = drifts(held.records, window, latencies(held.records, window), open_loop=True)
    worsens = any(drift.worsens for drift in moving)
    if moving and not worsens:
        return Verdict.UNCLEAR
    requests = max(1, sum(record.scheduled in window for record in held.records))
    kept = [(each, share_kept(each, held.records, window, held.taken)) for each in slo.objectives]
    last = share_of_longest >= LOOKS[-1]
    if (last and worsens) or any(
        share and _is_missed(each, share, requests) and _is_missed_to_the_end(each, held, window)
        for each, share in kept
    ):
        return Verdict.BREAKS
    if last and not moving and all(share and _is_met(each, share, requests) for each, share in kept):
        return Verdict.HOLDS
    return Verdict.UNCLEAR


def least_requests(slo: Slo) -> float:
    """Return how many requests a stage needs to show that the promise holds, even if none of them is late."""
    return max(math.log(_ALPHA) / math.log1p(-_allowed(each)) for each in slo.objectives)


def _is_missed(objective: Objective, share: Share, requests: int) -> bool:
    count = share.effective_count if share.error else min(share.count, requests)
    chance = chance_of_at_least((1 - share.value) * count, count, _allowed(objective))
    return chance <= _ALPHA / len(LOOKS)


def _is_missed_to_the_end(objective: Objective, held: Held, window: Window) -> bool:
    """Return whether the second half of the window misses it too: what is over may have been a warm-up."""
    second_half = Window(window.end - window.seconds / 2, window.end)
    share = share_kept(objective, held.records, second_half, held.taken)
    return share is not None and 1 - share.value > _allowed(objective)


def _is_met(objective: Objective, share: Share, requests: int) -> bool:
    allowed, late = _allowed(objective), 1 - share.value
    burst = _UNSEEN_BURST * allowed
    with_burst = min(0.5, late + burst)
    worth = with_burst * (1 - with_burst) / (share.error**2 + burst**2)
    count = min(worth, share.count if share.error else requests)
    return chance_of_at_most(late * count, count, allowed) <= _ALPHA


def _allowed(objective: Objective) -> float:
    """Return the share that may be late."""
    return 1 - objective.percentile / 100
