"""What a window shows of an objective: kept, broken, or not to be told.

No quantile is compared with a threshold: the share of latencies beyond it is held against the share that the
percentile allows, by the exact bounds of Clopper and Pearson (1934). The gaps of one request share its fate,
so that a window has no more independent gaps than it has requests.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

from setpoint.signals.reading import Judged
from setpoint.signals.window import Window
from setpoint.tuner.promise import Objective
from setpoint.workload.binomial import chance_of_at_least, chance_of_at_most
from setpoint_vllm.limits_file import Latency

ALPHA = 0.01
"""Chance that an objective that is just kept is called broken by one look, or one just broken kept.

Small, because a cycle looks again and again."""

LEAST_COUNT = 20.0
"""Fewer independent latencies tell nothing."""


class Verdict(StrEnum):
    """What is known of an objective."""

    KEPT = "Kept"
    BROKEN = "Broken"
    UNCLEAR = "Unclear"


@dataclass(frozen=True)
class Evidence:
    """What one window shows of one objective."""

    objective: Objective
    judged: Judged
    """Latencies as they were counted."""
    effective_count: float
    """How many independent ones they are worth."""
    verdict: Verdict

    @property
    def bad_share(self) -> float:
        """Share of the latencies beyond the threshold; 0 where none was seen."""
        return self.judged.bad_share

    @property
    def is_of_too_few(self) -> bool:
        """Whether there were too few latencies to tell anything by."""
        return self.effective_count < LEAST_COUNT

    @property
    def is_met(self) -> bool:
        """Whether the objective was kept in what was seen, be it by chance."""
        if self.verdict is Verdict.UNCLEAR:
            return self.bad_share <= self.objective.bad_share_allowed
        return self.verdict is Verdict.KEPT


def evidence(objective: Objective, window: Window) -> Evidence:
    """Judge one objective by one window."""
    judged = window.counted.judged.get(objective.name, Judged())
    return evidence_of(objective, judged, requests=max(window.finished, window.running))


def evidence_of(objective: Objective, judged: Judged, *, requests: float) -> Evidence:
    """Judge one objective by its latencies, the gaps among which are of so many requests."""
    count = min(judged.count, requests) if objective.latency is Latency.ITL else judged.count
    bad = judged.bad_share * count
    return Evidence(objective, judged, count, verdict(bad, count, objective.bad_share_allowed))


def verdict(bad: float, count: float, allowed: float, alpha: float = ALPHA) -> Verdict:
    """Tell whether a share of `bad` among `count` independent ones is above or below what is allowed."""
    if count <= 0:
        return Verdict.UNCLEAR
    if chance_of_at_least(bad, count, allowed) <= alpha:
        return Verdict.BROKEN
    if chance_of_at_most(bad, count, allowed) <= alpha:
        return Verdict.KEPT
    return Verdict.UNCLEAR


def is_clearly_lower(some: Judged, others: Judged) -> bool:
    """Whether the bad share of `some` is lower than that of `others`, beyond what chance makes of both.

    By the normal approximation of the difference of two shares, each with two pseudo-observations more
    (Agresti and Caffo, 2000), which holds for small counts too.
    """
    low, high = _agresti_caffo(some), _agresti_caffo(others)
    variance = low[0] * (1 - low[0]) / low[1] + high[0] * (1 - high[0]) / high[1]
    return high[0] - low[0] > _Z * math.sqrt(variance)


_Z = 2.326
"""One-sided, at ALPHA."""


def _agresti_caffo(judged: Judged) -> tuple[float, float]:
    return (judged.bad + 1) / (judged.count + 2), judged.count + 2
