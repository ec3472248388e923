"""The guard: what is done when a promise is clearly broken, and when that may end.

It acts by the objective that is broken. Gaps between tokens are shortened by a smaller token budget. First
tokens that come too late are never answered by a lower limit, which would lengthen the queue: what was
lowered is raised while the gaps have room, else what could not be served in time is shed. One knob moves at a
time, by one step. When the evidence ends it goes back to where it rests: the start value, or a ceiling that
somebody has set below it. To where it is known to break, only after a time that doubles with each attempt.

Whatever it does is held against how things were before: what does not help is undone.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from setpoint.signals.window import Window
from setpoint.tuner.baseline import Baseline
from setpoint.tuner.evidence import Evidence, Verdict, is_clearly_lower
from setpoint.tuner.knobs import Bounds, Knobs, Start, largest_step_tokens
from setpoint_vllm.limits_file import Latency

FIRST_HOLD_OFF_SECONDS, LONGEST_HOLD_OFF_SECONDS = 300.0, 7200.0
QUEUE_MARGIN = 0.9
"""A queue is bounded to what is served within this share of the TTFT threshold."""
LEAST_QUEUED_PROMPTS = 4
"""No queue is bounded to fewer prompts of mean length: shedding those would be chance."""
FALLEN_LOAD = 0.7
"""Below this share of the arrivals at which an objective broke, its evidence has ended."""
HIGHER_LOAD = 1.2
"""Above this share of the arrivals of a baseline, that says nothing about now."""
PREEMPTIONS_PER_REQUEST = 0.05
KV_CACHE_FULL = 0.95
LEAST_BASELINE_REQUESTS = 20.0
"""Of fewer, the share that was bad says nothing to compare with."""
WORSE_SHARE = 0.02
"""Bad requests may be so much more of all than before, by chance, before what was done is undone."""
HOPELESS_SHARE = 0.9
"""With so many bad requests nothing can be made worse by going back, whatever the load."""


class Policy(StrEnum):
    """Why a knob moves."""

    RAISE_FOR_FIRST_TOKENS = "RaiseForFirstTokens"
    SHED = "Shed"
    FEWER_SEQUENCES = "FewerSequences"
    SMALLER_BUDGET = "SmallerBudget"
    UNDO = "Undo"
    CEILING = "Ceiling"
    SHED_LESS = "ShedLess"
    GO_BACK = "GoBack"
    PLAN = "Plan"
    """Not the guard's own: to where the promise is predicted to hold at the highest rate (`planned`)."""


@dataclass(frozen=True)
class Memory:
    """What the guard remembers."""

    baseline: Baseline | None = None
    breaking_tokens: int | None = None
    """The smallest token budget at which gaps were seen to be too long."""
    hold_off_seconds: float = FIRST_HOLD_OFF_SECONDS
    not_before_seconds: float = 0.0
    """Unix time before which nothing goes back to where it broke, or starts anew what did not help."""
    is_undoing: bool = False
    """Whether a knob of those that did not help is still not at rest."""
    unreachable: str = ""
    """What no limit could keep, and what was measured."""


@dataclass(frozen=True)
class Situation:
    """What the guard decides on."""

    now_seconds: float
    window: Window
    is_complete: bool
    """Whether the window is long enough to end something; to begin it, clear evidence is enough."""
    evidence: tuple[Evidence, ...]
    knobs: Knobs
    start: Start
    bounds: Bounds
    replicas: int
    """Engines of the window."""
    memory: Memory
    ranks_per_engine: int = 1
    rest: Knobs = field(default_factory=Knobs)
    """Where the knobs stand when nothing calls them away."""
    ceiling: Knobs = field(default_factory=Knobs)
    """What they never exceed: where they rest, unless a plan has them rest lower."""

    @property
    def broken(self) -> tuple[Evidence, ...]:
        """What is clearly broken."""
        return tuple(each for each in self.evidence if each.verdict is Verdict.BROKEN)

    def worst(self, latency: Latency) -> Evidence | None:
        """The broken objective of a kind, the one with the highest bad share."""
        of_kind = [each for each in self.broken if each.objective.latency is latency]
        return max(of_kind, key=lambda each: each.bad_share, default=None)

    @property
    def budget(self) -> int:
        """The token budget that is wanted now."""
        return self.knobs.tokens or self.start.tokens

    @property
    def is_moved(self) -> bool:
        """Whether any knob is not at rest."""
        return self.knobs != self.rest


@dataclass(frozen=True)
class Proposal:
    """One change, why, and what to remember of it."""

    policy: Policy
    cause: str
    knobs: Knobs
    memory: Memory


def propose(situation: Situation) -> Proposal | None:
    """Return the change of the first policy that has one."""
    for policy in _POLICIES:
        proposal = policy(situation)
        if proposal is not None and proposal.knobs != situation.knobs:
            return proposal
    return None


def remember(situation: Situation) -> Memory:
    """Return what is left to remember after a complete window in which nothing was proposed."""
    memory, unreachable = situation.memory, _unreachable(situation)
    if unreachable:
        return replace(memory, unreachable=unreachable)
    if situation.broken:
        return memory
    if situation.is_moved or situation.now_seconds < memory.not_before_seconds:
        return replace(memory, unreachable="")
    return Memory()


def _raise_for_first_tokens(s: Situation) -> Proposal | None:
    broken = s.worst(Latency.TTFT)
    if broken is None or s.worst(Latency.ITL):
        return None
    if s.knobs.seqs != s.rest.seqs:
        return _proposal(s, Policy.RAISE_FOR_FIRST_TOKENS, broken, replace(s.knobs, seqs=_doubled_seqs(s)))
    if s.knobs.tokens == s.ceiling.tokens or _would_break(s):
        return None
    below = s.rest if s.knobs.tokens != s.rest.tokens else s.ceiling
    knobs = replace(s.knobs, tokens=_doubled_tokens(s, below))
    return _proposal(s, Policy.RAISE_FOR_FIRST_TOKENS, broken, knobs)


def _shed(s: Situation) -> Proposal | None:
    broken = s.worst(Latency.TTFT)
    if broken is None:
        return None
    bound = _servable_tokens(s, broken.objective.threshold_seconds)
    if bound is None:
        return None
    if s.knobs.queued_tokens is not None:
        bound = min(max(min(bound, s.knobs.queued_tokens * 3 // 4), _least_queue(s)), s.knobs.queued_tokens)
    elif s.window.waiting < 1:  # nothing queues: what is slow is the prefill itself, and shedding is no help
        return None
    return _proposal(s, Policy.SHED, broken, replace(s.knobs, queued_tokens=bound), _held_off(s, s.memory))


def _fewer_sequences(s: Situation) -> Proposal | None:
    window, counted = s.window, s.window.counted
    if s.worst(Latency.TTFT) or _is_held_off(s) or not s.is_complete or window.kv_cache_usage < KV_CACHE_FULL:
        return None
    if counted.preemptions <= PREEMPTIONS_PER_REQUEST * max(window.finished, 1) or window.running < 2:
        return None
    now = s.knobs.seqs or s.start.seqs
    running = window.running / (s.replicas * s.ranks_per_engine)
    seqs = max(int(0.85 * min(running, now)), s.bounds.least_seqs)
    if seqs >= now:
        return None
    cause = f"{counted.preemptions:g} preemptions for {window.finished:g} requests, the KV cache is full"
    memory = lowered(s)
    return Proposal(Policy.FEWER_SEQUENCES, cause, replace(s.knobs, seqs=seqs), memory)


def _smaller_budget(s: Situation) -> Proposal | None:
    broken = s.worst(Latency.ITL)
    if broken is None or s.worst(Latency.TTFT):
        return None
    if _is_held_off(s):
        return None
    budget = s.budget
    seen = largest_step_tokens(s.window.counted.steps_by_size, budget)
    tokens = max(seen // 2, s.bounds.least_tokens)
    if tokens >= budget:
        return None
    memory = lowered(s)
    known = memory.breaking_tokens or budget
    memory = replace(memory, breaking_tokens=min(known, seen))
    return _proposal(s, Policy.SMALLER_BUDGET, broken, replace(s.knobs, tokens=tokens), memory)


def _undo(s: Situation) -> Proposal | None:
    baseline = s.memory.baseline
    undone = _undone(s)
    if baseline is None or s.knobs == undone or not s.is_complete:
        return None
    now, before = s.window.requests, baseline.requests
    is_other = baseline.is_of_others(s.window) or baseline.load_of(s.window) > HIGHER_LOAD
    if is_other and now.bad_share < HOPELESS_SHARE:
        return None
    is_known = before.count >= LEAST_BASELINE_REQUESTS
    worse = is_known and now.bad_share > before.bad_share + WORSE_SHARE
    if is_clearly_lower(now, before) or not (worse or s.broken):
        return None
    cause = f"{_percent(now.bad_share)} of the requests are bad, and before it was " + (
        _percent(before.bad_share) if is_known else "not known"
    )
    left = Memory(
        baseline=baseline if undone.seqs != s.rest.seqs else None,
        is_undoing=undone.seqs != s.rest.seqs,
        unreachable=_unreachable(s) or s.memory.unreachable,
    )
    return Proposal(Policy.UNDO, cause, undone, _held_off(s, left))


def _undone(s: Situation) -> Knobs:
    """The knobs with the one back that moved last: to where it rests, and a plan that brought it there to
    where it raised from, or to the ceiling.
    """
    if s.knobs.tokens != s.rest.tokens:
        return replace(s.knobs, tokens=s.rest.tokens)
    if s.knobs.seqs != s.rest.seqs:
        return replace(s.knobs, seqs=s.rest.seqs)
    before = s.memory.baseline.tokens if s.memory.baseline else None
    was_raised = before is not None and before < s.budget
    return replace(s.knobs, tokens=before if was_raised else s.ceiling.tokens)


def _shed_less(s: Situation) -> Proposal | None:
    bound = s.knobs.queued_tokens
    if bound is None or not s.is_complete or s.worst(Latency.TTFT):
        return None
    shed = s.window.counted.shed
    if not shed:
        if s.now_seconds < s.memory.not_before_seconds:  # a bound that nothing reaches costs nothing
            return None
        knobs = replace(s.knobs, queued_tokens=None)
        return Proposal(Policy.SHED_LESS, "nothing had to be shed", knobs, s.memory)
    first = [each for each in s.evidence if each.objective.latency is Latency.TTFT]
    servable = min((_servable_tokens(s, each.objective.threshold_seconds) or 0 for each in first), default=0)
    few_late = all(each.bad_share <= each.objective.bad_share_allowed / 5 for each in first)
    if not few_late or servable < 1.1 * bound:
        return None
    cause = f"first tokens come in time, and {shed:g} requests were shed"
    knobs = replace(s.knobs, queued_tokens=min(servable, bound * 5 // 4))
    return Proposal(Policy.SHED_LESS, cause, knobs, s.memory)


def _go_back(s: Situation) -> Proposal | None:
    if not s.is_complete or s.broken:
        return None
    if s.knobs.queued_tokens is not None:
        # While more comes than can be answered, going back breaks gaps anew: measured, and worse.
        return None
    baseline = s.memory.baseline
    fallen = baseline and baseline.load_of(s.window) < FALLEN_LOAD
    if not fallen and s.now_seconds < s.memory.not_before_seconds:
        return None
    cause = "the load has fallen" if fallen else "nothing has been broken for a while"
    if s.knobs.seqs != s.rest.seqs:
        return Proposal(Policy.GO_BACK, cause, replace(s.knobs, seqs=_doubled_seqs(s)), s.memory)
    if s.knobs.tokens != s.rest.tokens:
        return Proposal(Policy.GO_BACK, cause, replace(s.knobs, tokens=_doubled_tokens(s, s.rest)), s.memory)
    return None


_POLICIES: tuple[Callable[[Situation], Proposal | None], ...] = (
    _raise_for_first_tokens,
    _shed,
    _fewer_sequences,
    _smaller_budget,
    _undo,
    _shed_less,
    _go_back,
)


def _is_held_off(s: Situation) -> bool:
    """Whether lowering a knob was of no help, and that not long ago."""
    helps = s.memory.baseline is not None and not s.memory.is_undoing
    return not helps and s.now_seconds < s.memory.not_before_seconds


def lowered(s: Situation) -> Memory:
    """What to remember when a knob is lowered: how things were, and when it may go back."""
    baseline = s.memory.baseline or Baseline(
        s.window.requests,
        s.window.arrivals_per_second,
        s.window.tokens_per_request,
        s.knobs.tokens,
    )
    return _held_off(s, replace(s.memory, baseline=baseline))


def _held_off(s: Situation, memory: Memory) -> Memory:
    """Hold off what was tried; for twice as long when it had been held off before."""
    before = s.memory
    again = before.not_before_seconds and s.now_seconds >= before.not_before_seconds
    seconds = min(2 * before.hold_off_seconds, LONGEST_HOLD_OFF_SECONDS) if again else before.hold_off_seconds
    return replace(memory, hold_off_seconds=seconds, not_before_seconds=s.now_seconds + seconds)


def _unreachable(s: Situation) -> str:
    """Say what is broken where no limit is left to move, with what was measured; else nothing."""
    gaps, first = s.worst(Latency.ITL), s.worst(Latency.TTFT)
    tokens = s.budget
    if gaps and tokens <= s.bounds.least_tokens:
        return _cannot(gaps, f"with {tokens} tokens a step", "gaps")
    if first and s.window.waiting < 1 and s.knobs == s.ceiling:
        where = "nothing waits at the ceiling" if s.ceiling.moved else "nothing waits at the start values"
        return _cannot(first, f"{where}, and", "first tokens")
    return ""


def _cannot(broken: Evidence, where: str, latencies: str) -> str:
    objective = broken.objective
    return (
        f"{objective.name} cannot be kept by limits: {where} {_percent(broken.bad_share)} of "
        f"{broken.judged.count:,.0f} {latencies} are beyond {objective.threshold_seconds:g} s"
    )


def _doubled_tokens(s: Situation, highest: Knobs) -> int | None:
    tokens = 2 * s.budget
    return tokens if tokens < (highest.tokens or s.start.tokens) else highest.tokens


def _doubled_seqs(s: Situation) -> int | None:
    seqs = 2 * (s.knobs.seqs or s.start.seqs)
    return seqs if seqs < (s.rest.seqs or s.start.seqs) else s.rest.seqs


def _would_break(s: Situation) -> bool:
    """Whether gaps were too long at the next larger token budget, and not long ago."""
    breaking = s.memory.breaking_tokens
    known = breaking is not None and 2 * s.budget >= breaking
    return known and s.now_seconds < s.memory.not_before_seconds


def _servable_tokens(s: Situation, threshold_seconds: float) -> int | None:
    """Prompt tokens that one engine computes within the threshold, as fast as it did in the window."""
    rate = s.window.prompt_tokens_per_second / s.replicas
    if not rate:
        return None
    return max(int(QUEUE_MARGIN * threshold_seconds * rate), _least_queue(s))


def _least_queue(s: Situation) -> int:
    finished = max(s.window.finished, 1)
    return int(LEAST_QUEUED_PROMPTS * s.window.counted.prompt_tokens / finished) or 1


def _proposal(
    s: Situation, policy: Policy, broken: Evidence, knobs: Knobs, memory: Memory | None = None
) -> Proposal:
    objective = broken.objective
    cause = (
        f"{objective.name}: {_percent(broken.bad_share)} of {broken.judged.count:,.0f} are beyond "
        f"{objective.threshold_seconds:g} s, allowed are {_percent(objective.bad_share_allowed)}"
    )
    return Proposal(policy, cause, knobs, memory or s.memory)


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
