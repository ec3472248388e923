"""Continuous batching in steps: what its limits make of a load, whatever a step takes.

How many tokens a step has follows from the load and the limits alone, as long as requests wait or all places
are taken: a running request gives one token in each step, and what is left of the budget computes prompts in
the order in which they came, in chunks. So one walk through steps serves every guess of what a step costs.
The simulator (`setpoint.simulator`) is the whole of it, with its KV cache; this is as much as a search needs.
"""

import heapq
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from setpoint.tuner.stepcost import StepCost

MOST_WARM_UP_STEPS = 8_000
_GROUPS = 48
"""Steps are summed up in so many groups of nearly the same size."""


@dataclass(frozen=True)
class Mix:
    """Lengths of requests, uniform in 0.5 to 1.5 times the mean."""

    prompt_tokens: float
    """Those that have to be computed: without what a prefix cache has."""
    output_tokens: float
    cached_tokens: float = 0.0
    """Of the prompt in the prefix cache: they are attended to, and not computed."""

    @property
    def context_tokens(self) -> float:
        """What a running request attends to, on average."""
        return self.cached_tokens + self.prompt_tokens + self.output_tokens / 2


@dataclass(frozen=True)
class Group:
    """Steps of nearly the same size."""

    count: int
    tokens: float
    """Mean of a step."""
    running: float
    """Mean number of requests that give a token in a step."""


@dataclass(frozen=True)
class Saturated:
    """What steps are like while every place is taken."""

    groups: tuple[Group, ...]
    context_tokens: float
    """Of one running request."""
    prefill_steps: float
    """So many steps 95 % of the requests take at most from their place to their first token."""
    requests_per_step: float
    """Requests that end in a step."""

    def step_seconds(self, cost: StepCost) -> float:
        """Mean of a step."""
        steps = sum(each.count for each in self.groups)
        return sum(each.count * self._seconds(each, cost) for each in self.groups) / steps

    def output_tokens_per_second(self, cost: StepCost) -> float:
        """What comes out."""
        steps = sum(each.count for each in self.groups)
        tokens = sum(each.count * each.running for each in self.groups)
        return tokens / steps / self.step_seconds(cost)

    def gap_seconds(self, cost: StepCost, share: float = 0.95) -> float:
        """The gap between tokens that so many of the gaps do not exceed.

        Between two groups of steps by straight line, so that it moves smoothly with the cost.
        """
        gaps = sorted((self._seconds(each, cost), each.count * each.running) for each in self.groups)
        wanted = share * sum(tokens for _, tokens in gaps)
        seen, before, last = 0.0, 0.0, gaps[0][0]
        for seconds, tokens in gaps:
            middle = seen + tokens / 2
            if middle >= wanted:
                return last + (wanted - before) / (middle - before) * (seconds - last)
            seen, before, last = seen + tokens, middle, seconds
        return last

    def first_token_seconds(self, cost: StepCost, waiting: float) -> float:
        """The time to the first token that 95 % of the requests do not exceed, with so many waiting."""
        steps = waiting / self.requests_per_step if self.requests_per_step else 0.0
        return (steps + self.prefill_steps) * self.step_seconds(cost)

    def _seconds(self, group: Group, cost: StepCost) -> float:
        return cost.seconds(group.tokens, group.running * self.context_tokens)


def saturated(seqs: int, tokens: int, mix: Mix, seed: int = 0) -> Saturated:
    """Walk through steps in which `seqs` requests always run, within a budget of so many tokens."""
    batch = Batch(seqs, tokens, mix, random.Random(seed), is_full=True)
    warm_up = min(int(1.5 * mix.output_tokens) + 50, MOST_WARM_UP_STEPS)
    length = int(min(max(800.0, 6 * mix.output_tokens), 8000.0))
    steps, waits, ended = [], [], 0
    for number in range(warm_up + length):
        left = batch.retire()
        while batch.has_room:
            batch.admit(batch.steps)
        step = batch.step()
        if number >= warm_up:
            ended += left
            steps.append(step)
            waits += [batch.steps - came for came in step.completed]
    steps.sort(key=lambda each: each.tokens)
    waits.sort()
    return Saturated(
        groups=tuple(_grouped(steps)),
        context_tokens=mix.context_tokens,
        prefill_steps=float(waits[int(0.95 * len(waits))]) if waits else float(length),
        requests_per_step=ended / length,
    )


class BatchStep(NamedTuple):
    """What a step had."""

    tokens: int
    running: int
    """Requests that gave a token each; the rest of the tokens are of prompts."""
    completed: list[float]
    """When the requests came whose prompts end in it."""


class Batch:
    """The requests in one engine: prompts in the order in which they came, and those that give tokens."""

    def __init__(self, seqs: int, tokens: int, mix: Mix, draw: random.Random, *, is_full: bool) -> None:
        """With every place taken by requests in the midst of their answers, or empty."""
        self._seqs, self._tokens, self._mix, self._draw = seqs, max(tokens, seqs), mix, draw
        longest = max(int(mix.output_tokens), 2)
        self._ends = [draw.randrange(1, longest + 1) for _ in range(seqs)] if is_full else []
        heapq.heapify(self._ends)
        self._prompts: deque[tuple[float, int]] = deque()
        self._left_of_first = 0
        self.steps = 0

    @property
    def has_room(self) -> bool:
        """Whether another request may run."""
        return len(self._ends) + len(self._prompts) < self._seqs

    @property
    def is_empty(self) -> bool:
        """Whether no request runs."""
        return not self._ends and not self._prompts

    def retire(self) -> int:
        """Let go of those whose last token came; return how many these are."""
        ends, before = self._ends, len(self._ends)
        while ends and ends[0] <= self.steps:
            heapq.heappop(ends)
        return before - len(ends)

    def admit(self, came: float) -> None:
        """Give a place to a request that came then."""
        self._prompts.append((came, self._length(self._mix.prompt_tokens)))

    def step(self) -> BatchStep:
        """Go one step on."""
        running = len(self._ends)
        left = self._tokens - running
        completed = []
        while left > 0 and self._prompts:
            came, length = self._prompts[0]
            needed = self._left_of_first or length
            chunk = min(needed, left)
            left -= chunk
            self._left_of_first = needed - chunk
            if self._left_of_first:
                break
            self._prompts.popleft()
            completed.append(came)
        self.steps += 1
        for _ in completed:
            heapq.heappush(self._ends, self.steps + self._length(self._mix.output_tokens) - 1)
        return BatchStep(self._tokens - left, running, completed)

    def _length(self, mean: float) -> int:
        return max(int(mean * self._draw.uniform(0.5, 1.5) + 0.5), 1)


def _grouped(steps: list[BatchStep]) -> Iterator[Group]:
    size = max(len(steps) // _GROUPS, 1)
    for _, numbered in groupby(enumerate(steps), key=lambda each: each[0] // size):
        group = [step for _, step in numbered]
        count = len(group)
        running = sum(each.running for each in group) / count
        yield Group(count, sum(each.tokens for each in group) / count, running)
