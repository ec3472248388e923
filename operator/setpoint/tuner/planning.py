"""Which limits serve the most requests a second within a promise, by what is known of an engine."""

from collections.abc import Mapping
from dataclasses import dataclass

from setpoint.simulator.steptime import captured_tokens
from setpoint.tuner.forecast import sustainable_rate
from setpoint.tuner.knobs import Bounds, Start
from setpoint.tuner.learning import Learned
from setpoint.tuner.promise import Objective
from setpoint.tuner.static import BUDGETS
from setpoint.tuner.stepcost import StepCost

MARGIN = 0.9
"""Limits are chosen for this share of each threshold: what is predicted is not measured."""
WORTH_MOVING = 0.1
"""What serves less than so much more is not worth a change."""


@dataclass(frozen=True)
class Plan:
    """The sustainable rate of one engine under each token budget, predicted."""

    rates_per_second: Mapping[int, float]
    """By the budget; the start's own is the largest."""

    @property
    def best_tokens(self) -> int:
        """The budget that sustains most; of equals the largest."""
        return max(self.rates_per_second, key=lambda tokens: (self.rates_per_second[tokens], tokens))

    def choice(self, now: int) -> int:
        """Return the budget to have: the best, or the one that there is where that is nearly as good."""
        best = self.best_tokens
        if self.rates_per_second[best] <= (1 + WORTH_MOVING) * self.rates_per_second.get(now, 0.0):
            return now
        return best


def plan(
    known: Learned, objectives: tuple[Objective, ...], start: Start, bounds: Bounds, now: int
) -> Plan | None:
    """Return the plan for what is known; None while the requests are not."""
    mix = known.mix
    if mix is None:
        return None
    most = min(start.tokens, bounds.most_tokens or start.tokens)
    budgets = {each for each in BUDGETS if bounds.least_tokens <= each < most} | {most, now}
    cost = StepCost.of(known.cost.mean, captured_tokens(start.seqs))
    seqs = min(start.seqs, bounds.most_seqs or start.seqs)
    return Plan(
        {
            tokens: sustainable_rate(min(seqs, tokens), tokens, mix, cost, objectives, MARGIN)
            for tokens in sorted(budgets)
        }
    )
