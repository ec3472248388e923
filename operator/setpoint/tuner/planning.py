"""Which limits serve the most requests a second within a promise, by what is known of an engine."""

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass

from setpoint.simulator.steptime import captured_tokens
from setpoint.tuner.belief import Belief
from setpoint.tuner.forecast import sustainable_rate
from setpoint.tuner.knobs import Bounds, Start
from setpoint.tuner.learning import Learned
from setpoint.tuner.promise import Objective
from setpoint.tuner.stepcost import StepCost

BUDGETS = (256, 384, 512, 640, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 16384)
MARGIN = 0.9
"""Limits are chosen for this share of each threshold: what is predicted is not measured."""
WORTH_MOVING = 0.1
"""What serves less than so much more is not worth a change."""


@dataclass(frozen=True)
class Plan:
    """The sustainable rate of one engine under each token budget, predicted."""

    rates_per_second: Mapping[int, float]
    """By the budget; the largest is the start's own."""
    most_tokens: int | None = None
    """No budget above this is chosen; None is the start's own."""

    @property
    def best_tokens(self) -> int:
        """The budget that sustains most, of those that may be chosen; of equals the largest."""
        most = self.most_tokens or math.inf
        allowed = [each for each in self.rates_per_second if each <= most]
        return max(allowed, key=lambda tokens: (self.rates_per_second[tokens], tokens))

    def rate_per_second(self, tokens: int) -> float:
        """Return the rate under any budget: between two that were looked at by straight line."""
        known = sorted(self.rates_per_second)
        tokens = min(max(tokens, known[0]), known[-1])
        number = bisect_left(known, tokens)
        if known[number] == tokens:
            return self.rates_per_second[tokens]
        below, above = known[number - 1], known[number]
        share = (tokens - below) / (above - below)
        return (1 - share) * self.rates_per_second[below] + share * self.rates_per_second[above]

    def choice(self, now: int) -> int:
        """Return the budget to have: the best, or the one that there is where that is nearly as good."""
        best, known = self.best_tokens, self.rates_per_second
        if not min(known) <= now <= max(known):
            return best
        if self.rates_per_second[best] <= (1 + WORTH_MOVING) * self.rate_per_second(now):
            return now
        return best


def plan(known: Learned, objectives: tuple[Objective, ...], start: Start, bounds: Bounds) -> Plan | None:
    """Return the plan for what is known; None while the requests are not."""
    mix = known.mix
    if mix is None:
        return None
    most = min(start.tokens, bounds.most_tokens or start.tokens)
    budgets = {each for each in BUDGETS if bounds.least_tokens <= each < most} | {most, start.tokens}
    cost = _cautious(known.cost, captured_tokens(start.seqs))
    seqs = min(start.seqs, bounds.most_seqs or start.seqs)
    rates = {
        tokens: sustainable_rate(min(seqs, tokens), tokens, mix, cost, objectives, MARGIN)
        for tokens in sorted(budgets)
    }
    # Rounded, so that a plan is made again to the last digit where another library has the logarithms.
    return Plan({tokens: float(f"{rate:.6g}") for tokens, rate in rates.items()}, most)


def _cautious(believed: Belief, captured: int) -> StepCost:
    """The most probable cost, but with what steps beyond the captured graphs take at least as high as it may
    well be: until such steps have shown it, limits do not go there for it.
    """
    fixed, token, context, launch = believed.mean
    return StepCost.of((fixed, token, context, launch + math.sqrt(believed.covariance[3][3])), captured)
