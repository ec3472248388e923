"""The limits that the tuner moves, what they may be, and the steps between.

A knob that is None is at the engine's start value. Steps halve and double, so that no change is further than
one step from what is known to work.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import accumulate

from setpoint.signals.reading import Reading, Steps
from setpoint_vllm.limits_file import Limit

LEAST_TOKENS = 256
"""Below it the fixed cost of a step outweighs what a smaller one saves: 256 tokens on an H100 sustained fewer
requests than 512, with the same p95 between tokens (docs/h100.md)."""


@dataclass(frozen=True)
class Knobs:
    """Limits that are wanted; None is the start value."""

    tokens: int | None = None
    """Tokens of one step of a rank."""
    seqs: int | None = None
    """Requests that a rank runs at once."""
    queued_tokens: int | None = None
    """Prompt tokens without a first token in one engine, beyond which the next request is shed."""

    @property
    def moved(self) -> dict[Limit, int]:
        """Those that are off their start values."""
        values = {Limit.TOKENS: self.tokens, Limit.SEQS: self.seqs, Limit.QUEUED_TOKENS: self.queued_tokens}
        return {limit: value for limit, value in values.items() if value is not None}


@dataclass(frozen=True)
class Start:
    """What every rank was started with, the lowest of all."""

    tokens: int
    seqs: int


@dataclass(frozen=True)
class Bounds:
    """How far the knobs may go; None is no bound but the start value's."""

    least_tokens: int = LEAST_TOKENS
    least_seqs: int = 1
    most_tokens: int | None = None
    most_seqs: int | None = None

    def rest(self, start: Start) -> Knobs:
        """Where knobs stand that nothing calls away from there: at a ceiling, or else at the start value."""
        tokens, seqs = self.most_tokens, self.most_seqs
        return Knobs(
            tokens=tokens if tokens is not None and tokens < start.tokens else None,
            seqs=seqs if seqs is not None and seqs < start.seqs else None,
        )


def lowered_to(rest: Knobs, knobs: Knobs) -> Knobs:
    """Return the knobs, with those that stand above `rest` at it."""
    return replace(knobs, tokens=_lower(rest.tokens, knobs.tokens), seqs=_lower(rest.seqs, knobs.seqs))


def _lower(one: int | None, other: int | None) -> int | None:
    return min((each for each in (one, other) if each is not None), default=None)


def start_of(readings: Mapping[str, Reading]) -> Start | None:
    """Return what all ranks of these engines were started with, or None while one has not told."""
    starts = [rank.start for reading in readings.values() for rank in reading.ranks.values()]
    if not starts or any(Limit.TOKENS not in each or Limit.SEQS not in each for each in starts):
        return None
    return Start(min(each[Limit.TOKENS] for each in starts), min(each[Limit.SEQS] for each in starts))


def limits(knobs: Knobs, start: Start) -> dict[Limit, int]:
    """Return the limits that bring an engine to these knobs.

    An engine takes no budget below one token for each sequence that may run: one below the sequences of its
    start brings these down with it.
    """
    wanted: dict[Limit, int] = {}
    if knobs.tokens is not None and knobs.tokens < start.tokens:
        wanted[Limit.TOKENS] = knobs.tokens
    seqs = min(knobs.seqs or start.seqs, knobs.tokens or start.tokens)
    if seqs < start.seqs:
        wanted[Limit.SEQS] = seqs
    if knobs.queued_tokens is not None:
        wanted[Limit.QUEUED_TOKENS] = knobs.queued_tokens
    return wanted


def largest_step_tokens(steps_by_size: Mapping[float, Steps], budget: int) -> int:
    """Return how large steps really were: a budget above this changes nothing.

    The size that 99 % of the steps do not exceed, and at most the budget.
    """
    sizes = sorted(steps_by_size)
    counts = list(accumulate(steps_by_size[size].count for size in sizes))
    if not counts or not counts[-1]:
        return budget
    return int(min(sizes[bisect_left(counts, 0.99 * counts[-1])], budget))
