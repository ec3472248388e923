"""vLLM V1's scheduler: which requests compute how many tokens in the next step.

After v1/core/sched/scheduler.py and async_scheduler.py (0.32, which decide as 0.25 does): running requests
first, in the order of their admission, then waiting ones, first come first served; one token budget; prompts
in chunks; a whole prompt must fit into the KV cache before it is admitted; when no block is left, the request
admitted last is preempted and computed again.

A decoding request does the same in every step, so it is counted, not visited (`calendar`). Only what changes
touches single requests, and an order of requests in which budget or blocks may run out before a decoding one
is served is walked request by request, as vLLM does.
"""

from collections import deque
from operator import attrgetter

from setpoint.simulator.blocks import BlockPool
from setpoint.simulator.calendar import DecodingCalendar
from setpoint.simulator.limits import EngineConfig, Limits
from setpoint.simulator.request import Phase, Request
from setpoint.simulator.step import Step

WAITING, PREFILLING, DECODING, DRAINING, DONE = Phase


class Scheduler:
    """The state of one engine core. `schedule` and `complete` alternate, or run one or two steps apart."""

    def __init__(self, config: EngineConfig) -> None:
        self.config = config
        self.limits = Limits.of(config)
        self.blocks = BlockPool(config.kv_blocks, config.block_size, config.enable_prefix_caching)
        self.waiting: deque[Request] = deque()
        self.running: dict[Request, None] = {}
        """In the order of admission."""
        self.in_flight: deque[Step] = deque()
        """Scheduled and not yet complete."""
        self.queued_tokens = 0
        """Prompt tokens of all requests without a first token."""
        self.preemptions = 0
        self.prefix_cache_queries = 0
        self.prefix_cache_hits = 0
        """Both in tokens, of first admissions."""
        self._completed = 0
        self._completed_seconds = 0.0
        self._admissions = 0
        self._prefilling: list[Request] = []
        self._decoding = DecodingCalendar(config.block_size)

    def add(self, request: Request, now: float) -> None:
        """Put a new request at the end of the queue."""
        request.submitted_seconds = now
        self.queued_tokens += request.prompt_tokens
        self.waiting.append(request)

    def delivered(self, request: Request) -> int:
        """Return how many tokens of a request the completed steps have brought."""
        if request.phase in (DECODING, DRAINING):
            return max(request.produced_tokens, min(self._completed - request.origin, request.output_tokens))
        return min(request.produced_tokens, max(self._completed - request.origin, 0))

    def schedule(self, now: float) -> Step | None:
        """Decide on the next step; None when there is nothing to compute."""
        step = Step(self._completed + len(self.in_flight) + 1)
        limits = self.limits
        budget = limits.max_num_scheduled_tokens
        alone = len(self.running) + len(self.waiting) == 1
        chunk = budget if alone else limits.long_prefill_token_threshold or budget
        if self._all_decode(budget, chunk):
            budget = self._serve_in_bulk(step, budget, chunk)
        else:
            budget = self._serve_one_by_one(step, budget, chunk)
        if budget and self.waiting and not step.preempted:
            self._admit(step, budget, chunk, now)
        step.finished = self._decoding.pop_ending(step.index)
        for request in step.finished:
            if request.phase is DECODING:
                self._decoding.finish(request)
                request.phase = DRAINING
        if not (step.decoding or step.prefill_tokens):
            return None
        self.in_flight.append(step)
        return step

    def complete(self, now: float) -> Step:
        """End the oldest step in flight at `now`."""
        step = self.in_flight.popleft()
        step.ended_seconds = now
        step.gap_seconds = now - self._completed_seconds
        self._completed = step.index
        self._completed_seconds = now
        if step.completing:
            self._first_tokens(step, now)
        for request in step.left:
            request.last_token_seconds = now
        if step.finished:
            self._finish(step, now)
        return step

    def cancel(self, request: Request) -> None:
        """Forget a request whose client has left; a token of it that is being computed comes to nothing."""
        if request.phase is DONE:
            return
        if request.first_token_seconds is None:
            self.queued_tokens -= request.prompt_tokens
        produced_tokens = self.delivered(request)
        if request.phase is WAITING:
            self.waiting.remove(request)
        elif request.phase is PREFILLING:
            self._prefilling.remove(request)
        elif request.phase is DECODING:
            self._decoding.stop(request)
        self._remove(request)
        request.produced_tokens = produced_tokens

    def _first_tokens(self, step: Step, now: float) -> None:
        """Note what the ends of prefills bring: first tokens, or after a preemption the next one."""
        completed = [request for request in step.completing if request.phase is not DONE]  # not cancelled
        step.first_tokens = [request for request in completed if request.first_token_seconds is None]
        if len(step.first_tokens) < len(completed):
            step.late_gaps_seconds = [
                now - request.last_token_seconds
                for request in completed
                if request.first_token_seconds is not None
            ]
        for request in step.first_tokens:
            request.first_token_seconds = now
            self.queued_tokens -= request.prompt_tokens

    def _finish(self, step: Step, now: float) -> None:
        """End the requests whose last token a step brought, in the order of admission, as vLLM does.

        The order decides which of their blocks are taken again first.
        """
        finished = [request for request in step.finished if request.phase is not DONE]  # not cancelled
        if len(finished) > 1:
            finished.sort(key=attrgetter("admission"))
        for request in finished:
            request.finished_seconds = now
            request.produced_tokens = request.output_tokens
            self._remove(request)
        step.finished = finished

    # ---- running requests

    def _all_decode(self, budget: int, chunk: int) -> bool:
        """Return whether every decoding request is certain of its token and, as far as it matters, its block.

        The prefilling ones that were admitted after them take only what is left, so just the others count.
        """
        if not self._prefilling:
            return self._decoding.number <= budget
        if len(self._prefilling) == 1 and self._prefilling[0] is next(reversed(self.running)):
            return self._decoding.number <= budget
        inner = list(self._prefilling)
        for last in reversed(self.running):
            if not inner or last is not inner[-1]:
                break
            inner.pop()
        if not inner:
            return self._decoding.number <= budget
        wanted = [min(chunk, each.target_tokens - each.computed_tokens) for each in inner]
        blocks = sum(self._blocks_for(each, tokens) for each, tokens in zip(inner, wanted, strict=True))
        blocks += self._decoding.blocks_needed(self._next_index)
        return self._decoding.number + sum(wanted) <= budget and blocks <= self.blocks.free

    def _serve_in_bulk(self, step: Step, budget: int, chunk: int) -> int:
        """Serve the decoding requests, then the prefilling ones; return the budget that is left."""
        blocks = self.blocks
        needed = self._decoding.blocks_needed(step.index)
        while needed > blocks.free:
            needed -= blocks.free
            blocks.take(blocks.free)
            needed -= self._grows(next(reversed(self.running)), step)
            self._preempt_last(step)
        if needed:
            blocks.take(needed)
        step.decoding = self._decoding.number
        step.decoding_context_tokens = self._decoding.context_tokens(step.index)
        budget -= step.decoding
        if self._prefilling:
            for request in self._prefilling:
                if not budget:
                    break
                if request.phase is PREFILLING:
                    budget -= self._prefill(step, request, min(chunk, budget))
            self._prefilling = [each for each in self._prefilling if each.phase is PREFILLING]
        return budget

    def _serve_one_by_one(self, step: Step, budget: int, chunk: int) -> int:
        """Serve requests in the order of admission until budget or blocks end; return the budget left."""
        order = list(self.running)
        visited = 0
        for request in order:
            if not budget or request.phase is WAITING:
                break  # no budget for it, or preempted for an earlier one, as all behind it are
            visited += 1
            if request.phase is PREFILLING:
                budget -= self._prefill(step, request, min(chunk, budget))
            elif request.phase is DECODING and self._grow(step, request):
                step.decoding += 1
                step.decoding_context_tokens += self._computed(request) + 1
                budget -= 1
        for request in order[visited:]:
            if request.phase is DECODING:
                self._leave_out(request)
        self._prefilling = [each for each in self.running if each.phase is PREFILLING]
        return budget

    def _grow(self, step: Step, request: Request) -> bool:
        """Give a decoding request the block it may need; return False when it had to be preempted itself."""
        if self._grows(request, step):
            while not self.blocks.free:
                if self._preempt_last(step) is request:
                    return False
            self.blocks.take(1)
        return True

    def _prefill(self, step: Step, request: Request, most: int) -> int:
        """Compute up to `most` tokens of a running request; return how many.

        0 when even preempting all that were admitted later, and at last itself, makes no room for them.
        """
        tokens = min(most, request.target_tokens - request.computed_tokens)
        blocks = self._blocks_for(request, tokens)
        while blocks > self.blocks.free:
            if self._preempt_last(step) is request:
                return 0
        self.blocks.take(blocks)
        self._compute(step, request, tokens)
        return tokens

    def _compute(self, step: Step, request: Request, tokens: int) -> None:
        """Add `tokens` of a prompt, whose blocks are there, to a step."""
        before = request.computed_tokens
        after = request.computed_tokens = before + tokens
        step.prefill_tokens += tokens
        step.prefill_sequences += 1
        step.prefill_context_tokens += after
        step.attention_pairs += tokens * before + tokens * (tokens + 1) // 2
        if request.block_keys and self.blocks.caching:
            self.blocks.share(request.shared_blocks, request.block_keys, after // self.config.block_size)
        if after < request.target_tokens:
            return
        step.completing = (*step.completing, request)
        request.phase = DECODING if self._decoding.start(request, step.index) else DRAINING

    # ---- waiting requests

    def _admit(self, step: Step, budget: int, chunk: int, now: float) -> None:
        """Let waiting requests run while budget, places and blocks last."""
        blocks = self.blocks
        block_size = self.config.block_size
        places = self.limits.max_num_active_seqs - len(self.running)
        while self.waiting and budget > 0 and places > 0:
            request = self.waiting[0]
            target = request.target_tokens
            hit = None
            cached = 0
            needed = -(-target // block_size)
            if request.block_keys or request.own_blocks:
                # The last token is always computed: its logits are the next token.
                hit = blocks.find(request.block_keys, request.own_blocks, (target - 1) // block_size)
                cached = hit.blocks * block_size
                needed += hit.free - hit.blocks
            if needed > blocks.free:
                break
            self.waiting.popleft()
            self.running[request] = None
            self._admissions += 1
            request.admission = self._admissions
            if hit is not None:
                blocks.adopt(hit, request.own_blocks)
                request.shared_blocks = hit.shared
            if request.admitted_seconds is None:
                request.admitted_seconds = now
                request.cached_prompt_tokens = cached
                self.prefix_cache_queries += target
                self.prefix_cache_hits += cached
            request.phase = PREFILLING
            request.computed_tokens = cached
            tokens = min(target - cached, chunk, budget)
            blocks.take(self._blocks_for(request, tokens))
            self._compute(step, request, tokens)
            if request.phase is PREFILLING:
                self._prefilling.append(request)
            budget -= tokens
            places -= 1

    # ---- requests that leave

    def _preempt_last(self, step: Step) -> Request:
        """Free the blocks of the running request admitted last, and put it before all that wait."""
        request, _ = self.running.popitem()
        step.preempted = (*step.preempted, request)
        self.preemptions += 1
        request.preemptions += 1
        self._free(request)
        if request.phase is DRAINING:
            return request  # its last token comes all the same
        if request.phase is DECODING:
            self._interrupt(request)
        request.phase = WAITING
        request.target_tokens = request.prompt_tokens + request.produced_tokens
        request.computed_tokens = 0
        self.waiting.appendleft(request)
        return request

    def _leave_out(self, request: Request) -> None:
        """Let a decoding request go without a token: until it gets one, it has one token left to prefill."""
        request.computed_tokens = self._computed(request)
        self._interrupt(request)
        request.phase = PREFILLING
        request.target_tokens = request.computed_tokens + 1

    def _interrupt(self, request: Request) -> None:
        """Take a decoding request, which is in no step from the next on, out of the calendar."""
        self._decoding.stop(request)
        request.produced_tokens = self._next_index - 1 - request.origin
        if self.in_flight:
            step = self.in_flight[-1]
            step.left = (*step.left, request)
        else:
            request.last_token_seconds = self._completed_seconds

    def _remove(self, request: Request) -> None:
        if request in self.running:
            del self.running[request]
            self._free(request)
        request.phase = DONE

    def _free(self, request: Request) -> None:
        """Free the blocks of a request; a block of an answer can be found from now on."""
        block_size = self.config.block_size
        computed = self._computed(request)
        if request.block_keys and self.blocks.caching:
            self.blocks.share(request.shared_blocks, request.block_keys, computed // block_size)
        request.own_blocks = self.blocks.release(
            request.shared_blocks, -(-computed // block_size), computed // block_size
        )

    # ---- sizes

    @property
    def _next_index(self) -> int:
        return self._completed + len(self.in_flight) + 1

    def _computed(self, request: Request) -> int:
        """Return the tokens that a running request has in the KV cache when the next step begins."""
        if request.phase is DECODING:
            return self._decoding.computed_tokens(request, self._next_index)
        if request.phase is DRAINING:
            return request.prompt_tokens + request.output_tokens - 1
        return request.computed_tokens

    def _blocks_for(self, request: Request, tokens: int) -> int:
        """Return how many blocks a prefilling request needs for its next `tokens`."""
        block_size = self.config.block_size
        return -(-(request.computed_tokens + tokens) // block_size) + -request.computed_tokens // block_size

    def _grows(self, request: Request, step: Step) -> bool:
        return request.phase is DECODING and self._decoding.needs_block(request, step.index)
