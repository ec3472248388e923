"""The plan that a service's limits follow, and when they do.

The guard acts on what was seen. A plan says where the promise should hold at the highest rate, by what the
engines have taught of themselves (`learning`, `planning`): the knobs rest there instead of at their start
values, and the guard goes on from there. A plan is no evidence: what it asks for is a change like any other,
is held against how things were before, and gives way to what is seen. One that was wrong is not followed for
an hour.
"""

import math
from dataclasses import dataclass, field, replace

from setpoint.signals.window import Window
from setpoint.tuner.guard import Policy, Proposal, Situation, lowered
from setpoint.tuner.knobs import Bounds, Knobs, Start, lowered_to
from setpoint.tuner.learning import Learned, learned
from setpoint.tuner.planning import Plan, plan
from setpoint.tuner.promise import Objective

ALIKE_SHARE = 0.1
"""A plan holds for all that is known to be within so much of what it was made for."""
MOST_MOVES, MOVES_SECONDS = 4, 3600.0
"""A plan moves limits so often in such a time, at most."""
NEAR_SHARE = 0.7
"""A broken promise makes a plan act that is predicted to serve so much of what comes, or more."""
LOCK_OUT_SECONDS = 3600.0
"""A plan that was wrong is not followed for so long."""


@dataclass(frozen=True)
class Planned:
    """What is known, the plan that was made of it, and where limits rest by it."""

    known: Learned = field(default_factory=Learned)
    made_for: Learned | None = None
    """What was known when the plan was made; None where it has to be made anew."""
    bounds: Bounds = field(default_factory=Bounds)
    """What it was made within."""
    plan: Plan | None = None
    tokens: int | None = None
    """The token budget at which limits rest; None is the ceiling, or the start value."""
    moved_seconds: tuple[float, ...] = ()
    """When that was moved lately."""
    not_before_seconds: float = 0.0
    """Unix time before which no plan is followed."""

    def is_due(self, bounds: Bounds) -> bool:
        """Whether the plan was made for something else, so that another one may come of what is known."""
        if self.known.mix is None:
            return False
        is_for_these = self.made_for is not None and self.bounds == bounds
        return not is_for_these or not self.known.is_like(self.made_for or self.known, ALIKE_SHARE)

    def rest(self, ceiling: Knobs) -> Knobs:
        """Where knobs stand that nothing calls away from there."""
        return lowered_to(ceiling, Knobs(tokens=self.tokens))

    def taught(self, window: Window) -> "Planned":
        """Return what is known after one more window, which overlaps none before it."""
        return replace(self, known=learned(self.known, window))

    def revised(self, objectives: tuple[Objective, ...], start: Start, bounds: Bounds) -> "Planned":
        """Return the plan for what is known now. It takes about a second to make."""
        made = plan(self.known, objectives, start, bounds)
        return replace(self, plan=made, made_for=self.known, bounds=bounds)

    def advice(self, start: Start) -> str:
        """Say which budget an engine would better be started with; nothing where the start's is as good."""
        if self.plan is None:
            return ""
        tokens = self.plan.choice(start.tokens)
        if tokens == start.tokens:
            return ""
        said = told(self.plan, tokens, start.tokens)
        return f"--max-num-batched-tokens={tokens} would suit this traffic better: {said}"

    def stored(self) -> "Planned":
        """Return what is worth to be known after a restart: as long as the plan holds, always the same."""
        return replace(self, known=self.made_for or Learned())

    def forgotten(self) -> "Planned":
        """Return what is left when limits are at their start values, or the promise is another one."""
        return replace(self, tokens=None, made_for=None, plan=None, not_before_seconds=0.0)

    def moved(self, tokens: int | None, now: float) -> "Planned":
        """Return the state in which limits rest there, from this Unix time on."""
        lately = tuple(each for each in self.moved_seconds if 0 <= now - each < MOVES_SECONDS)
        return replace(self, tokens=tokens, moved_seconds=(*lately, now))

    def may_move(self, now: float) -> bool:
        """Whether a plan may move limits now."""
        lately = [each for each in self.moved_seconds if 0 <= now - each < MOVES_SECONDS]
        return now >= self.not_before_seconds and len(lately) < MOST_MOVES


def pursue(s: Situation, proposal: Proposal | None, planned: Planned) -> tuple[Proposal | None, Planned]:
    """Return what is to be done in view of what the guard proposes, and of the plan."""
    if planned.plan is not None and planned.may_move(s.now_seconds):
        if proposal is not None and proposal.policy in _GIVING_WAY:
            better = _instead(s, proposal, planned.plan)
            if better is not None:
                return better, planned.moved(better.knobs.tokens, s.now_seconds)
        if proposal is None and s.is_complete and not s.is_moved and not s.broken:
            return _on_its_own(s, planned, planned.plan)
    return proposal, _contradicted(s, proposal, planned)


_GIVING_WAY = frozenset({Policy.SMALLER_BUDGET, Policy.RAISE_FOR_FIRST_TOKENS})
"""What the guard does step by step."""


def _instead(s: Situation, proposal: Proposal, made: Plan) -> Proposal | None:
    """The plan's budget in one move, where that is the direction in which the guard would go."""
    tokens, budget = made.choice(s.budget), s.budget
    is_for_gaps = proposal.policy is Policy.SMALLER_BUDGET
    if tokens == budget or (tokens < budget) is not is_for_gaps or not _is_near(s, made, tokens):
        return None
    knobs = replace(s.knobs, tokens=_knob(tokens, s))
    return Proposal(Policy.PLAN, f"{proposal.cause}; {told(made, tokens, budget)}", knobs, proposal.memory)


def _is_near(s: Situation, made: Plan, tokens: int) -> bool:
    """Whether what comes is about what the budget is predicted to serve: else it is of no help."""
    arrivals_per_second = s.window.arrivals_per_second / (s.replicas * s.ranks_per_engine)
    return made.rate_per_second(tokens) >= NEAR_SHARE * arrivals_per_second


def _on_its_own(s: Situation, planned: Planned, made: Plan) -> tuple[Proposal | None, Planned]:
    """What the plan asks for while the guard has nothing to do: less at once, more in the guard's steps."""
    tokens = made.choice(s.budget)
    if tokens == s.budget:
        return None, planned
    moved = planned.moved(_knob(tokens, s), s.now_seconds)
    knobs = replace(s.knobs, tokens=_knob(min(tokens, 2 * s.budget), s))
    memory = lowered(s) if tokens < s.budget else s.memory
    return Proposal(Policy.PLAN, told(made, tokens, s.budget), knobs, memory), moved


def _contradicted(s: Situation, proposal: Proposal | None, planned: Planned) -> Planned:
    """What is left of a plan when what was seen calls for more than it."""
    if proposal is None or s.rest.tokens is None:
        return planned
    tokens = proposal.knobs.tokens
    if tokens is not None and tokens <= s.rest.tokens:
        return planned
    return replace(planned, tokens=tokens, not_before_seconds=s.now_seconds + LOCK_OUT_SECONDS)


def _knob(tokens: int, s: Situation) -> int | None:
    return tokens if tokens < (s.ceiling.tokens or s.start.tokens) else s.ceiling.tokens


def shortfall(s: Situation, planned: Planned) -> str:
    """Say that no budget is predicted to keep what is broken under what comes, and what would keep it."""
    if planned.plan is None or not s.broken:
        return ""
    rate = planned.plan.rate_per_second(planned.plan.best_tokens)
    if not rate:
        return (
            "no token budget is predicted to keep the promise with these requests at any rate: a quantized or"
            " smaller model would, a faster GPU, or a looser promise"
        )
    arrivals = s.window.arrivals_per_second
    if arrivals <= rate * s.replicas * s.ranks_per_engine:
        return ""
    needed = math.ceil(arrivals / (rate * s.ranks_per_engine))
    return (
        f"{arrivals:.3g} requests/s come, and no token budget is predicted to let one engine keep the promise"
        f" at more than {rate * s.ranks_per_engine:.3g}: {needed} replicas would"
    )


def told(made: Plan, tokens: int, instead_of: int) -> str:
    """Say what a budget is predicted to be good for."""
    rate, other = made.rate_per_second(tokens), made.rate_per_second(instead_of)
    return (
        f"one engine is predicted to keep the promise up to {rate:.3g} requests/s with {tokens} tokens a"
        f" step, and up to {other:.3g} with {instead_of}"
    )
