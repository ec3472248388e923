"""Whether a promise is kept where no engine judges it: by vLLM's own histograms, as far as their edges tell.

A bucket's edge is rarely the threshold. So an objective is judged at both ends of what may lie beyond it, and
is kept or missed only where both agree. What is shed or fails is in no histogram. Limits never move on this.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from setpoint.api.reasons import Reason
from setpoint.api.status import ConditionStatus
from setpoint.controllers.tuning.words import duration, percent
from setpoint.signals.histogram import Beyond, beyond
from setpoint.signals.reading import Judged
from setpoint.signals.window import Window
from setpoint.tuner.evidence import Evidence, evidence_of
from setpoint.tuner.promise import Objective
from setpoint_vllm.limits_file import Latency

_NOBODY_JUDGES = "an engine runs without Setpoint's plugin, so nobody judges its requests"


@dataclass(frozen=True)
class _Estimate:
    """What the histogram of an objective's latency tells."""

    objective: Objective
    beyond: Beyond
    at_best: Evidence
    at_worst: Evidence

    @property
    def is_of_too_few(self) -> bool:
        return self.at_best.is_of_too_few

    def __str__(self) -> str:
        threshold = self.objective.threshold_seconds
        found = self.beyond
        share = percent(found.bad / found.count)
        if found.edges == (threshold, threshold):
            within = "exactly, since that is one of its edges"
        else:
            least, most = percent(found.least_bad / found.count), percent(found.most_bad / found.count)
            below, above = map(_edge, found.edges)
            within = f"between {least} and {most} by its edges {below} and {above}"
        return (
            f"{self.objective.name}: {share} beyond {duration(threshold)} ({within}), allowed are"
            f" {percent(self.objective.bad_share_allowed)}"
        )


def slo_met(objectives: Iterable[Objective], window: Window) -> tuple[ConditionStatus, Reason, str]:
    """Return the condition SLOMet: status, reason, and a message with what the histograms tell."""
    wanted = tuple(objectives)
    if any(each.latency not in window.counted.latencies for each in wanted):
        return ConditionStatus.UNKNOWN, Reason.NOT_JUDGED, _NOBODY_JUDGES
    estimates = [_estimate(each, window) for each in wanted]
    few = [each for each in estimates if each.is_of_too_few]
    enough = [each for each in estimates if not each.is_of_too_few]
    missed = [each for each in enough if not each.at_best.is_met]
    if missed:
        return ConditionStatus.FALSE, Reason.MISSED, _told(missed)
    if few:
        message = f"too few requests to tell of {', '.join(each.objective.name for each in few)}"
        return ConditionStatus.UNKNOWN, Reason.NOT_ENOUGH_TRAFFIC, f"{message}; {_NOBODY_JUDGES}"
    coarse = [each for each in enough if not each.at_worst.is_met]
    if coarse:
        return ConditionStatus.UNKNOWN, Reason.HISTOGRAM_TOO_COARSE, _told(coarse)
    return ConditionStatus.TRUE, Reason.MET, _told(estimates)


def _estimate(objective: Objective, window: Window) -> _Estimate:
    histograms = window.counted.latencies
    found = beyond(histograms[objective.latency], objective.threshold_seconds)
    # Without verdicts nothing else tells how many requests there were.
    first_tokens = histograms.get(Latency.TTFT, {}).get(math.inf, 0.0)
    at_best, at_worst = (
        evidence_of(objective, Judged(found.count - bad, bad), requests=max(first_tokens, window.running))
        for bad in (found.least_bad, found.most_bad)
    )
    return _Estimate(objective, found, at_best, at_worst)


def _told(estimates: Iterable[_Estimate]) -> str:
    return f"by vLLM's histogram, since {_NOBODY_JUDGES}: {'; '.join(map(str, estimates))}"


def _edge(seconds: float) -> str:
    return duration(seconds) if math.isfinite(seconds) else "infinity"
