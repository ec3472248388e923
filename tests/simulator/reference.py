"""vLLM V1's scheduler written down as plainly as can be: every request visited in every step, every block an
object, the free ones in one list. What the fast one is held against.

It shares two simplifications with it: of a block computed twice at a time only the first is found, and the
blocks of an answer are found once its request has left the engine or was preempted.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(eq=False)
class Block:
    key: Hashable = None
    references: int = 0


@dataclass(eq=False)
class Plain:
    """A request."""

    name: int
    prompt: int
    output: int
    keys: Sequence[Hashable] = ()
    computed: int = 0
    produced: int = 0
    """By all scheduled steps."""
    delivered: int = 0
    token_step: int = -1
    token_time: float | None = None
    cached: int | None = None
    blocks: list[Block] = field(default_factory=list)
    seen_blocks: int = 0
    """Blocks that were found in the cache or have been put into it."""
    gone: bool = False

    def key(self, position: int) -> Hashable:
        return self.keys[position] if position < len(self.keys) else ("own", self.name, position)


@dataclass
class PlainStep:
    index: int
    decoding: list[Plain] = field(default_factory=list)
    context: int = 0
    chunks: list[tuple[Plain, int, int]] = field(default_factory=list)
    """Request, tokens computed before, tokens."""
    tokens_to: list[Plain] = field(default_factory=list)
    preempted: list[Plain] = field(default_factory=list)


class ReferenceScheduler:
    def __init__(self, blocks: int, block_size: int, caching: bool) -> None:
        self.free = [Block() for _ in range(blocks)]
        self.block_size = block_size
        self.caching = caching
        self.found: dict[Any, Block] = {}
        self.waiting: list[Plain] = []
        self.running: list[Plain] = []
        self.in_flight: list[PlainStep] = []
        self.steps = 0

    def schedule(self, active: int, budget: int, threshold: int) -> PlainStep | None:
        step = PlainStep(self.steps + 1)
        alone = len(self.running) + len(self.waiting) == 1
        chunk = threshold if threshold and not alone else budget
        budget = self._serve_running(step, budget, chunk)
        if not step.preempted:
            self._admit(step, active, budget, chunk)
        if not step.decoding and not step.chunks:
            return None
        self.steps += 1
        self.in_flight.append(step)
        return step

    def _serve_running(self, step: PlainStep, budget: int, chunk: int) -> int:
        index = 0
        while index < len(self.running) and budget > 0:
            request = self.running[index]
            if request.produced == request.output:
                index += 1
                continue
            tokens = min(request.prompt + request.produced - request.computed, chunk, budget)
            while (fits := self._allocate(request, tokens)) is False:
                victim = self.running.pop()
                self._preempt(victim)
                step.preempted.append(victim)
                if victim is request:
                    break
            if not fits:
                break
            self._compute(step, request, tokens)
            budget -= tokens
            index += 1
        return budget

    def _admit(self, step: PlainStep, active: int, budget: int, chunk: int) -> None:
        while self.waiting and budget > 0 and len(self.running) < active:
            request = self.waiting[0]
            total = request.prompt + request.produced
            hit = self._find(request, (total - 1) // self.block_size)
            newly_held = -(-total // self.block_size) - len(hit) + sum(not block.references for block in hit)
            if newly_held > len(self.free):
                break
            self.running.append(self.waiting.pop(0))
            for block in hit:
                if not block.references:
                    self.free.remove(block)
                block.references += 1
            request.blocks = hit
            request.seen_blocks = len(hit)
            request.computed = len(hit) * self.block_size
            if request.cached is None:
                request.cached = request.computed
            tokens = min(total - request.computed, chunk, budget)
            assert self._allocate(request, tokens)
            self._compute(step, request, tokens)
            budget -= tokens

    def complete(self, now: float) -> tuple[PlainStep, list[Plain], list[float], list[Plain]]:
        """Return the step, who got a first token, all gaps between tokens, and who ended."""
        step = self.in_flight.pop(0)
        first, gaps, ended = [], [], []
        for request in step.tokens_to:
            if request.gone and request not in step.decoding:
                continue
            if request.token_time is None:
                first.append(request)
            else:
                gaps.append(now - request.token_time)
            request.token_time = now
            if request.gone:
                continue
            request.delivered += 1
            if request.delivered == request.output:
                ended.append(request)
                self.remove(request)
        return step, first, gaps, ended

    def remove(self, request: Plain) -> None:
        request.gone = True
        if request in self.running:
            self.running.remove(request)
            self._release(request)
        elif request in self.waiting:
            self.waiting.remove(request)

    def _allocate(self, request: Plain, tokens: int) -> bool:
        needed = -(-(request.computed + tokens) // self.block_size) - len(request.blocks)
        if needed > len(self.free):
            return False
        for _ in range(needed):
            block = self.free.pop(0)
            if block.key is not None:
                del self.found[block.key]
            block.key, block.references = None, 1
            request.blocks.append(block)
        return True

    def _compute(self, step: PlainStep, request: Plain, tokens: int) -> None:
        if request.produced and request.token_step == step.index - 1:
            step.decoding.append(request)
            step.context += request.computed + 1
        else:
            step.chunks.append((request, request.computed, tokens))
            self._cache(request, min(request.computed + tokens, len(request.keys) * self.block_size))
        request.computed += tokens
        if request.computed == request.prompt + request.produced:
            request.produced += 1
            request.token_step = step.index
            step.tokens_to.append(request)

    def _preempt(self, request: Plain) -> None:
        self._release(request)
        if request.produced < request.output:
            request.computed = 0
            request.token_step = -1
            self.waiting.insert(0, request)

    def _release(self, request: Plain) -> None:
        self._cache(request, request.computed)
        freed = []
        for block in reversed(request.blocks):
            block.references -= 1
            if not block.references:
                freed.append(block)
        request.blocks = []
        self.free = [each for each in freed if each.key is None] + self.free
        self.free += [each for each in freed if each.key is not None]

    def _cache(self, request: Plain, tokens: int) -> None:
        if self.caching:
            for position in range(request.seen_blocks, tokens // self.block_size):
                key = request.key(position)
                if key not in self.found:
                    self.found[key] = request.blocks[position]
                    self.found[key].key = key
                request.seen_blocks += 1

    def _find(self, request: Plain, most: int) -> list[Block]:
        hit: list[Block] = []
        while self.caching and len(hit) < most and (block := self.found.get(request.key(len(hit)))):
            hit.append(block)
        return hit
