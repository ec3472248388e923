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
from setpoint.simulator.steptime import captured_tokens
from setpoint.tuner.guard import Memory, Policy, Proposal, Situation, lowered
from setpoint.tuner.knobs import Bounds, Knobs, Start, lowered_to
from setpoint.tuner.learning import Learned, learned
from setpoint.tuner.planning import Plan, plan
from setpoint.tuner.promise import Objective
from setpoint_vllm.limits_file import Latency

ALIKE_SHARE = 0.1
"""A plan holds for all that is known to be within so much of what it was made for."""
MOST_MOVES, MOVES_SECONDS = 4, 3600.0
"""So many plans move limits in such a time, at most."""
NEAR_SHARE = 0.7
"""A broken promise makes a plan act that is predicted to serve so much of what comes, or more."""
LOCK_OUT_SECONDS = 3600.0
"""A plan that was wrong is not followed for so long."""
OVERTAKEN_SECONDS = 600.0
"""Nor one that late first tokens have raised a budget above: that may have been a burst."""


@dataclass(frozen=True)
class Planned:
    """What is known, the plan that was made of it, and where limits rest by it."""

    known: Learned = field(default_factory=Learned)
    made_for: Learned | None = None
    """What was known when the plan was made; None where it has to be made anew."""
    bounds: Bounds = field(default_factory=Bounds)
    """What it was made within; so is the next."""
    start: Start | None = None
    plan: Plan | None = None
    tokens: int | None = None
    """The token budget at which limits rest; None is the ceiling, or the start value."""
    came_from: int | None = None
    """Where they rested before they last moved; None as in `tokens`."""
    moved_for: Learned | None = None
    """What the plan was made for that moved them last."""
    moved_seconds: tuple[float, ...] = ()
    """When a plan first moved them, lately."""
    not_before_seconds: float = 0.0
    """Unix time before which no plan is followed."""

    def is_due(self, start: Start, bounds: Bounds) -> bool:
        """Whether the plan was made for something else, so that another one may come of what is known."""
        if self.known.mix is None:
            return False
        if self.made_for is None or not self.is_within(start, bounds):
            return True
        return not self.known.is_like(self.made_for, ALIKE_SHARE)

    def is_within(self, start: Start, bounds: Bounds) -> bool:
        """Whether the plan was made for engines with this start, and within these bounds."""
        return (self.start, self.bounds) == (start, bounds)

    def rest(self, ceiling: Knobs, start: Start, bounds: Bounds) -> Knobs:
        """Where knobs stand that nothing calls away from there."""
        if self.tokens is None:
            return ceiling
        tokens = max(self.tokens, bounds.least_tokens)
        return lowered_to(ceiling, Knobs(tokens=tokens if tokens < start.tokens else None))

    def taught(self, window: Window, start: Start) -> "Planned":
        """Return what is known after one more window, which overlaps none before it."""
        return replace(self, known=learned(self.known, window, captured_tokens(start.seqs)))

    def revised(self, objectives: tuple[Objective, ...], start: Start, bounds: Bounds) -> "Planned":
        """Return the plan for what is known now. It takes seconds to make."""
        made = plan(self.known, objectives, start, bounds)
        return replace(self, plan=made, made_for=self.known, bounds=bounds, start=start)

    def advice(self, start: Start, ranks_per_engine: float, now: float) -> str:
        """Say which budget an engine would better be started with; nothing where the start's is as good, or
        the plan was wrong not long before this Unix time.
        """
        if self.plan is None or self.start != start or now < self.not_before_seconds:
            return ""
        tokens = self.plan.choice(start.tokens)
        if tokens == start.tokens:
            return ""
        said = told(self.plan, tokens, start.tokens, ranks_per_engine)
        return f"--max-num-batched-tokens={tokens} would suit this traffic better: {said}"

    def stored(self) -> "Planned":
        """Return what is worth to be known after a restart: as long as the plan holds, always the same."""
        return replace(self, known=self.made_for or Learned())

    def at_start(self) -> "Planned":
        """Return what is left when limits have gone back to their start values."""
        return replace(self, tokens=None, came_from=None, moved_for=None)

    def for_others(self) -> "Planned":
        """Return what is left when the promise is another one: limits stay until there is a plan for that."""
        return replace(self, made_for=None, plan=None, not_before_seconds=0.0)

    def moved(self, tokens: int | None, now: float) -> "Planned":
        """Return the state in which limits rest there, from this Unix time on."""
        lately = self._lately(now) if self._is_under_way else (*self._lately(now), now)
        return replace(
            self, tokens=tokens, came_from=self.tokens, moved_for=self.made_for, moved_seconds=lately
        )

    def locked_out(self, tokens: int | None, until_seconds: float) -> "Planned":
        """Return the state in which limits rest there, and no plan is followed until that Unix time."""
        return replace(self, tokens=tokens, came_from=None, not_before_seconds=until_seconds)

    def may_move(self, now: float) -> bool:
        """Whether the plan may move limits now."""
        has_a_move_left = self._is_under_way or len(self._lately(now)) < MOST_MOVES
        return now >= self.not_before_seconds and has_a_move_left

    @property
    def _is_under_way(self) -> bool:
        """Whether this very plan has moved limits already: what it goes on with is no other move."""
        return self.moved_for is not None and self.moved_for == self.made_for

    def _lately(self, now: float) -> tuple[float, ...]:
        return tuple(each for each in self.moved_seconds if 0 <= now - each < MOVES_SECONDS)


def pursue(s: Situation, proposal: Proposal | None, planned: Planned) -> tuple[Proposal | None, Planned]:
    """Return what is to be done in view of what the guard proposes, and of the plan."""
    made = planned.plan
    if made is not None and planned.is_within(s.start, s.bounds) and planned.may_move(s.now_seconds):
        better = None
        if proposal is None:
            better = _on_its_own(s, made)
        elif proposal.policy is Policy.GO_BACK and _is_far_enough(s, made, proposal):
            return None, planned.moved(s.knobs.tokens, s.now_seconds)
        elif proposal.policy in _GIVING_WAY and proposal.knobs.seqs == s.knobs.seqs:
            better = _instead(s, proposal, made)
        if better is not None:
            tokens = better.knobs.tokens
            return better, planned.moved(None if tokens == s.ceiling.tokens else tokens, s.now_seconds)
    return proposal, _contradicted(s, proposal, planned)


_GIVING_WAY = frozenset({Policy.SMALLER_BUDGET, Policy.RAISE_FOR_FIRST_TOKENS})
"""What the guard does step by step."""


def _instead(s: Situation, proposal: Proposal, made: Plan) -> Proposal | None:
    """The plan's budget in one move, where that is the direction in which the guard would go."""
    tokens = _unbroken(made.choice(s.budget), s)
    is_for_gaps = proposal.policy is Policy.SMALLER_BUDGET
    if tokens == s.budget or (tokens < s.budget) is not is_for_gaps or not _is_near(s, made, tokens):
        return None
    cause = f"{proposal.cause}; {told(made, tokens, s.budget, s.ranks_per_engine)}"
    return Proposal(Policy.PLAN, cause, replace(s.knobs, tokens=_knob(tokens, s)), proposal.memory)


def _is_far_enough(s: Situation, made: Plan, proposal: Proposal) -> bool:
    """Whether the guard would raise a budget above what the plan has: then it may as well rest here."""
    return proposal.knobs.tokens != s.knobs.tokens and made.choice(s.budget) <= s.budget


def _on_its_own(s: Situation, made: Plan) -> Proposal | None:
    """What the plan asks for while the guard has nothing to do: less at once, more in the guard's steps."""
    is_held_off = s.now_seconds < s.memory.not_before_seconds and s.memory.baseline is None
    if not s.is_complete or s.is_moved or s.broken or is_held_off:
        return None
    tokens = _unbroken(made.choice(s.budget), s)
    if tokens == s.budget or (tokens < s.budget and not _are_first_tokens_in_time(s)):
        return None
    knobs = replace(s.knobs, tokens=_knob(min(tokens, 2 * s.budget), s))
    if knobs == s.knobs:
        return None
    # A raise is held against what it raises from, not against what was before that was lowered.
    memory = lowered(s if tokens < s.budget else replace(s, memory=Memory()))
    return Proposal(Policy.PLAN, told(made, tokens, s.budget, s.ranks_per_engine), knobs, memory)


def _is_near(s: Situation, made: Plan, tokens: int) -> bool:
    """Whether what comes is about what the budget is predicted to serve: else it is of no help."""
    arrivals_per_second = s.window.arrivals_per_second / (s.replicas * s.ranks_per_engine)
    return made.rate_per_second(tokens) >= NEAR_SHARE * arrivals_per_second


def _unbroken(tokens: int, s: Situation) -> int:
    """The budget, or that which there is where it is known to break gaps, and not long ago."""
    breaking = s.memory.breaking_tokens
    is_recent = s.now_seconds < s.memory.not_before_seconds
    return s.budget if breaking is not None and is_recent and s.budget < breaking <= tokens else tokens


def _are_first_tokens_in_time(s: Situation) -> bool:
    return all(each.is_met for each in s.evidence if each.objective.latency is Latency.TTFT)


def _contradicted(s: Situation, proposal: Proposal | None, planned: Planned) -> Planned:
    """What is left of a plan when what was seen calls for the contrary of what it did."""
    if proposal is None:
        return planned
    tokens, rest, came_from = proposal.knobs.tokens, s.rest.tokens, planned.came_from
    if rest is not None and (tokens is None or tokens > rest):
        was_wrong = proposal.policy is not Policy.RAISE_FOR_FIRST_TOKENS
        return planned.locked_out(
            None, s.now_seconds + (LOCK_OUT_SECONDS if was_wrong else OVERTAKEN_SECONDS)
        )
    was_raised = came_from is not None and (rest is None or came_from < rest)
    if was_raised and proposal.policy in {Policy.SMALLER_BUDGET, Policy.UNDO} and s.budget != tokens:
        return planned.locked_out(came_from, s.now_seconds + LOCK_OUT_SECONDS)
    return planned


def _knob(tokens: int, s: Situation) -> int | None:
    return tokens if tokens < (s.ceiling.tokens or s.start.tokens) else s.ceiling.tokens


def shortfall(s: Situation, planned: Planned) -> str:
    """Say that no budget is predicted to keep what is broken under what comes, and what would keep it."""
    if planned.plan is None or not s.broken or not planned.is_within(s.start, s.bounds):
        return ""
    rate = planned.plan.rate_per_second(planned.plan.best_tokens) * s.ranks_per_engine
    if not rate:
        return (
            "no token budget is predicted to keep the promise with these requests at any rate: a quantized or"
            " smaller model would, a faster GPU, or a looser promise"
        )
    arrivals = s.window.arrivals_per_second
    if arrivals <= rate * s.replicas:
        return ""
    return (
        f"{arrivals:.3g} requests/s come, and no token budget is predicted to let one engine keep the promise"
        f" at more than {rate:.3g}: {math.ceil(arrivals / rate)} replicas would"
    )


def told(made: Plan, tokens: int, instead_of: int, ranks_per_engine: float) -> str:
    """Say what a budget is predicted to be good for."""
    rate, other = (ranks_per_engine * made.rate_per_second(each) for each in (tokens, instead_of))
    return (
        f"one engine is predicted to keep the promise up to {rate:.3g} requests/s with {tokens} tokens a"
        f" step, and up to {other:.3g} with {instead_of}"
    )
