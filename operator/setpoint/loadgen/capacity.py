"""The sustainable rate: the highest open-loop rate at which the promise holds, found in few short stages.

A stage shows of its rate that it holds, that it breaks, or neither. The rates form a bracket, up or
down by growing factors until one holds and one breaks; then come the geometric middle, or a step beside
what is unclear.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from setpoint.loadgen.evidence import Verdict
from setpoint.loadgen.report import Capacity, Estimate

RESOLUTION = 1.05
"""A bracket this narrow (upper over lower rate) is the answer."""
_UP, _DOWN = 1.25, 1.5
"""Steps while only one side of the bracket is known; each next one is wider."""
_ASIDE = 1.1
"""From a rate that is unclear to one that may tell."""
MOST_TRIALS = 12
_LEAST_SHARE_OF_START = 1 / 50


@dataclass(frozen=True, slots=True)
class Trial:
    """One stage of the search."""

    rate_per_second: float
    verdict: Verdict
    client_slow: bool = False
    """Whether the client was the bottleneck: a rate that breaks is then no proof; one that holds is."""


def next_rate(trials: Sequence[Trial], start: float, least: float = 0.0) -> float | None:
    """Return the rate to try next, or None when the search is over.

    `start`: a first guess above 0; `least`: no stage can show of a lower rate that it holds.
    """
    rate = _next_rate(trials, start) if trials else max(start, least)
    return None if rate is None or rate < least else rate


def _next_rate(trials: Sequence[Trial], start: float) -> float | None:
    low, high, unclear = _bracket(trials)
    rates = [trial.rate_per_second for trial in trials]
    if len(trials) >= MOST_TRIALS or (low is None and min(rates) < start * _LEAST_SHARE_OF_START):
        return None
    if unclear:
        return _next_to_unclear(low, high, unclear, max(rate for rate in rates if rate < (high or math.inf)))
    if low is None:
        return min(rates) / _DOWN ** len(rates)
    if high is None:
        return max(rates) * _UP ** len(rates)
    return math.sqrt(low * high) if high / low > RESOLUTION else None


def _next_to_unclear(
    low: float | None, high: float | None, unclear: Sequence[float], most: float
) -> float | None:
    """Return a rate beside those that are unclear, farther the more they are; None with both sides known.

    To ask the same rate again would take long: near the edge the shares differ too little from the promise.
    `most`: the highest rate below `high` that was tried.
    """
    least, step = min(unclear), _ASIDE ** len(unclear)
    if low is None or least / low > _ASIDE:
        return max(least / step, math.sqrt((low or 0.0) * least))
    if high is None or high / most > _ASIDE:
        return min(most * step, math.sqrt((high or math.inf) * most))
    return None


def conclude(trials: Sequence[Trial], stages: Sequence[int]) -> Capacity:
    """Return the result. `stages`: the index in the report of each trial's stage."""
    low, high, _ = _bracket(trials)
    verdicts = [trial.verdict.value for trial in trials]
    if low is None:
        least = min((trial.rate_per_second for trial in trials), default=0.0)
        told = (
            f"cannot tell: no rate was shown to hold, down to {least:.3g} a second; longer stages show more"
        )
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
