"""The sustainable rate: the highest open-loop rate at which the promise holds, found in few and short stages.

Each stage is a sequential test at one rate. At each look the share of requests (of tokens, for the ITL)
beyond each threshold is held against the share that the percentile allows, by exact binomial tests on
effective counts; the error of 5 % each way is spent evenly over the looks (Bonferroni). A rate

- breaks as soon as an objective is shown to be missed, in the second half of the window too, or when at the
  last look something rises: latency, or the number of requests that wait;
- holds when, at half of the longest stage or later, every objective is shown to be met and the stage is
  stationary;
- is unclear when the longest stage shows neither: the capacity is near, no request was decided, or a latency
  falls, as that of an engine that still warms up.

The rates form a bracket: up or down by growing factors until one holds and one breaks, then the geometric
middle, or a step beside what is unclear.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from setpoint.loadgen.binomial import chance_of_at_least, chance_of_at_most
from setpoint.loadgen.drift import drifts
from setpoint.loadgen.estimates import Share
from setpoint.loadgen.measure import Held
from setpoint.loadgen.promise import share_kept
from setpoint.loadgen.report import Capacity, Estimate
from setpoint.loadgen.window import Window, find_window, latencies
from setpoint.workload.objectives import Objective, Slo

LOOKS = (0.125, 0.25, 0.5, 1.0)
"""When a stage is looked at, in shares of its longest duration."""
_LEAST_SHARE_TO_HOLD = 0.5
_ALPHA = 0.05
RESOLUTION = 1.05
"""A bracket this narrow (upper over lower rate) is the answer."""
_UP, _DOWN = 1.25, 1.5
"""Steps while only one side of the bracket is known; each next one is wider."""
_ASIDE = 1.1
"""From a rate that is unclear to one that may tell."""
MOST_TRIALS = 12
_LEAST_SHARE_OF_START = 1 / 50


class Verdict(StrEnum):
    """What a stage shows of its rate."""

    HOLDS = "holds"
    BREAKS = "breaks"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Trial:
    """One stage of the search."""

    rate_per_second: float
    verdict: Verdict
    client_slow: bool = False
    """Whether the client was the bottleneck: a rate that breaks is then no proof; one that holds is."""


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
    may_hold = share_of_longest >= _LEAST_SHARE_TO_HOLD and not moving
    if may_hold and all(share and _is_met(each, share, requests) for each, share in kept):
        return Verdict.HOLDS
    return Verdict.UNCLEAR


def next_rate(trials: Sequence[Trial], start: float) -> float | None:
    """Return the rate to try next, or None when the search is over. `start`: a first guess above 0."""
    if not trials:
        return start
    low, high, unclear = _bracket(trials)
    rates = [trial.rate_per_second for trial in trials]
    if len(trials) >= MOST_TRIALS or (low is None and min(rates) < start * _LEAST_SHARE_OF_START):
        return None
    if unclear:
        return _next_to_unclear(low, high, min(unclear), max(unclear))
    if low is None:
        return min(rates) / _DOWN ** len(rates)
    if high is None:
        return max(rates) * _UP ** len(rates)
    return math.sqrt(low * high) if high / low > RESOLUTION else None


def _next_to_unclear(low: float | None, high: float | None, least: float, most: float) -> float | None:
    """Return a rate a step beside those that are unclear; None when both sides of them are known.

    To ask the same rate again would take long: near the edge the shares differ too little from the promise.
    """
    if low is None or least / low > _ASIDE:
        return max(least / _ASIDE, math.sqrt((low or 0.0) * least))
    if high is None or high / most > _ASIDE:
        return min(most * _ASIDE, math.sqrt((high or math.inf) * most))
    return None


def conclude(trials: Sequence[Trial], stages: Sequence[int]) -> Capacity:
    """Return the result. `stages`: the index in the report of each trial's stage."""
    low, high, _ = _bracket(trials)
    verdicts = [trial.verdict.value for trial in trials]
    if low is None:
        least = min((trial.rate_per_second for trial in trials), default=0.0)
        told = f"cannot tell: no rate was shown to hold, down to {least:.3g} a second"
    elif high is None:
        told = f"cannot tell: {low:.3g} a second holds, and no higher rate was shown to break"
    elif any(trial.client_slow for trial in trials if trial.rate_per_second == high):
        told = f"cannot tell: {low:.3g} a second holds, and at {high:.3g} the client was the bottleneck"
    else:
        told = f"{low:.3g} a second holds and {high:.3g} does not"
        estimate = Estimate(value=low, low=low, high=high)
        return Capacity(rate_per_second=estimate, verdicts=verdicts, told=told, stages=list(stages))
    return Capacity(rate_per_second=None, verdicts=verdicts, told=told, stages=list(stages))


def _bracket(trials: Sequence[Trial]) -> tuple[float | None, float | None, list[float]]:
    """Return the highest rate that holds, the lowest that breaks, and the unclear ones between them.

    A rate that held above one that did not is set aside: the lower verdict is the safe one.
    """
    by_verdict = {
        verdict: [trial.rate_per_second for trial in trials if trial.verdict is verdict]
        for verdict in Verdict
    }
    high = min(by_verdict[Verdict.BREAKS], default=None)
    below_high = [rate for rate in by_verdict[Verdict.UNCLEAR] if rate < (high or math.inf)]
    edge = min([*below_high, high or math.inf])
    low = max((rate for rate in by_verdict[Verdict.HOLDS] if rate < edge), default=None)
    return low, high, below_high


def _is_missed(objective: Objective, share: Share, requests: int) -> bool:
    count = _effective_count(share, requests)
    chance = chance_of_at_least((1 - share.value) * count, count, _allowed(objective))
    return chance <= _ALPHA / len(LOOKS)


def _is_missed_to_the_end(objective: Objective, held: Held, window: Window) -> bool:
    """Return whether the second half of the window misses the objective too: what is over may be a warm-up."""
    second_half = Window(window.end - window.seconds / 2, window.end)
    share = share_kept(objective, held.records, second_half, held.taken)
    return share is not None and 1 - share.value > _allowed(objective)


def _is_met(objective: Objective, share: Share, requests: int) -> bool:
    count = _effective_count(share, requests)
    chance = chance_of_at_most((1 - share.value) * count, count, _allowed(objective))
    return chance <= _ALPHA / sum(look >= _LEAST_SHARE_TO_HOLD for look in LOOKS)


def _allowed(objective: Objective) -> float:
    """Return the share that may be late."""
    return 1 - objective.percentile / 100


def _effective_count(share: Share, requests: int) -> float:
    """Return how many independent samples a share is worth; the requests when its error is unknown."""
    return share.effective_count if share.error else min(share.count, requests)
