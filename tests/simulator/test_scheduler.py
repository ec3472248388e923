from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from setpoint.simulator.limits import EngineConfig, Limits
from setpoint.simulator.request import Request
from setpoint.simulator.scheduler import Scheduler
from tests.simulator.reference import Plain, ReferenceScheduler

BLOCK = 4


@dataclass
class Both:
    """The scheduler and the reference, told the same and compared at every step."""

    config: EngineConfig
    limits: Limits
    depth: int
    now: float = 0.0
    fast: list[Request] = field(default_factory=list)
    plain: list[Plain] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.scheduler = Scheduler(self.config)
        self.reference = ReferenceScheduler(
            self.config.kv_blocks, self.config.block_size, self.config.enable_prefix_caching
        )

    def submit(self, prompt: int, output: int, keys: Sequence[object]) -> None:
        self.fast.append(Request(prompt, output, keys))
        self.plain.append(Plain(len(self.plain), prompt, output, keys))
        self.scheduler.add(self.fast[-1], self.now)
        self.reference.waiting.append(self.plain[-1])

    def cancel(self, number: int) -> None:
        if self.fast:
            number %= len(self.fast)
            self.scheduler.cancel(self.fast[number])
            if not self.plain[number].gone:
                self.reference.remove(self.plain[number])

    def move(self, limits: Limits) -> None:
        self.limits = limits

    def step(self, seconds: int) -> None:
        while len(self.scheduler.in_flight) < self.depth and self.schedule():
            pass
        if self.scheduler.in_flight:
            self.now += seconds
            self.complete()

    def schedule(self) -> bool:
        self.scheduler.limits = limits = self.limits
        step = self.scheduler.schedule(self.now)
        plain = self.reference.schedule(
            limits.max_num_active_seqs, limits.max_num_scheduled_tokens, limits.long_prefill_token_threshold
        )
        assert (step is None) == (plain is None)
        if step and plain:
            assert step.decoding == len(plain.decoding)
            assert step.decoding_context_tokens == plain.context
            assert step.prefill_tokens == sum(tokens for _, _, tokens in plain.chunks)
            assert step.prefill_sequences == len(plain.chunks)
            assert step.prefill_context_tokens == sum(before + tokens for _, before, tokens in plain.chunks)
            assert step.attention_pairs == sum(
                before + each + 1 for _, before, tokens in plain.chunks for each in range(tokens)
            )
            assert self._same(step.preempted, plain.preempted)
        self._compare()
        return step is not None

    def complete(self) -> None:
        step = self.scheduler.complete(self.now)
        _, first, gaps, ended = self.reference.complete(self.now)
        assert self._same(step.first_tokens, first)
        assert sorted([step.gap_seconds] * step.decoding + list(step.late_gaps_seconds)) == sorted(gaps)
        assert set(self._names(step.finished)) == {each.name for each in ended}
        self._compare()

    def _compare(self) -> None:
        scheduler, reference = self.scheduler, self.reference
        assert self._same(scheduler.running, reference.running)
        assert self._same(scheduler.waiting, reference.waiting)
        assert scheduler.blocks.free == len(reference.free)
        assert [scheduler.delivered(each) for each in self.fast] == [each.delivered for each in self.plain]
        assert scheduler.prefix_cache_hits == sum(each.cached or 0 for each in self.plain)

    def _same(self, fast: object, plain: Sequence[Plain]) -> bool:
        return self._names(fast) == [each.name for each in plain]

    def _names(self, requests: object) -> list[int]:
        return [self.fast.index(each) for each in requests]  # type: ignore[attr-defined]


KEYS = [[f"{family}{number}" for number in range(9)] for family in "ab"]


def any_limits(random: Random) -> Limits:
    tokens = random.choice([1, 4, 8, 16, 40])
    return Limits(random.randint(1, 6), tokens, random.choice([0, 0, 3, 9]))


def act(both: Both, random: Random) -> None:
    """Do something that an engine lives through, so that queue and cache are full most of the time."""
    match random.choices(["submit", "step", "cancel", "move"], [30, 60, 3, 2])[0]:
        case "submit" if len(both.scheduler.waiting) < 8:
            keys = random.choice([[], [], *KEYS])[: random.randint(1, 9)]
            both.submit(random.randint(1, 24), random.randint(1, 12), keys)
        case "cancel":
            both.cancel(random.randrange(len(both.fast) or 1))
        case "move":
            both.move(any_limits(random))
        case _:
            both.step(random.randint(1, 9))


@settings(max_examples=150, deadline=None)
@given(st.integers(9, 24), st.booleans(), st.sampled_from([1, 2]), st.integers(0, 2**32))
def test_every_step_is_the_one_that_a_plain_scheduler_takes(
    blocks: int, caching: bool, depth: int, seed: int
) -> None:
    random = Random(seed)
    both = Both(EngineConfig(blocks, 36, 6, 40, BLOCK, caching, depth == 2), any_limits(random), depth)
    for _ in range(200):
        act(both, random)
    both.move(Limits(6, 40))
    while both.scheduler.running or both.scheduler.waiting:
        both.step(1)
    assert both.scheduler.blocks.free == blocks
    assert both.scheduler.queued_tokens == 0
