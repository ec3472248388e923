"""Continuous batching in outline: some requests run, the others wait their turn."""

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from itertools import cycle, islice

from e2e.fakes.engine.behaviour import Behaviour
from e2e.fakes.engine.metrics import Metrics
from e2e.fakes.words import words


class QueueFullError(Exception):
    """As many requests wait or run as --max-num-queued-reqs allows."""


class EngineDeadError(Exception):
    """The engine was stopped under a running request."""


@dataclass(frozen=True)
class Token:
    """One word of an answer."""

    text: str
    finish_reason: str | None
    """"length" or "stop" on the last token, else None."""


class Batch:
    """Gives each request its words: `max_running` requests at once, in the order they came."""

    def __init__(
        self, behaviour: Behaviour, metrics: Metrics, max_running: int, max_in_flight: int | None
    ) -> None:
        self._behaviour = behaviour
        self._metrics = metrics
        self._max_in_flight = max_in_flight
        self._turn = asyncio.Semaphore(max_running)
        self._dead = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._unfinished = 0

    async def generate(
        self, prompt_tokens: int, max_tokens: int, *, ignore_eos: bool
    ) -> AsyncGenerator[Token]:
        """The tokens of one answer, each when it is due.

        Raises QueueFullError before the first one, and EngineDeadError when the engine is stopped.
        """
        if self._max_in_flight is not None and self._unfinished >= self._max_in_flight:
            self._metrics.rejections.inc()
            raise QueueFullError
        arrival = time.monotonic()
        reason = "abort"
        self._enter()
        try:
            await self._wait_for_turn()
            try:
                async for token in self._run(arrival, prompt_tokens, max_tokens, ignore_eos=ignore_eos):
                    reason = token.finish_reason or reason
                    yield token
            finally:
                self._metrics.running.dec()
                self._turn.release()
        finally:
            self._metrics.finished(reason)
            self._leave()

    async def drained(self) -> None:
        """Return when no request is left."""
        await self._idle.wait()

    def kill(self) -> None:
        """End every request at its next token."""
        self._dead = True

    def _enter(self) -> None:
        self._unfinished += 1
        self._idle.clear()

    def _leave(self) -> None:
        self._unfinished -= 1
        if not self._unfinished:
            self._idle.set()

    async def _wait_for_turn(self) -> None:
        self._metrics.waiting.inc()
        try:
            await self._turn.acquire()
        finally:
            self._metrics.waiting.dec()
        self._metrics.running.inc()

    async def _run(
        self, arrival: float, prompt_tokens: int, max_tokens: int, *, ignore_eos: bool
    ) -> AsyncGenerator[Token]:
        length = max_tokens if ignore_eos else min(max_tokens, int(self._behaviour.answer_tokens))
        metrics, start = self._metrics, time.monotonic()
        first = previous = start
        for number, word in enumerate(islice(cycle(_ANSWER), length)):
            due = start + self._behaviour.prefill_seconds + number * self._behaviour.inter_token_seconds
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if self._dead:
                raise EngineDeadError
            now = time.monotonic()
            if number == 0:
                first = now
                metrics.prompt_tokens.inc(prompt_tokens)
                metrics.time_to_first_token.observe(now - arrival)
            else:
                metrics.inter_token_latency.observe(now - previous)
            metrics.generation_tokens.inc()
            previous = now
            if number == length - 1:
                self._count_finished(arrival, start, first, now, prompt_tokens, max_tokens, length)
            last = ("length" if length == max_tokens else "stop") if number == length - 1 else None
            yield Token(f" {word}", last)

    def _count_finished(
        self,
        arrival: float,
        start: float,
        first: float,
        end: float,
        prompt_tokens: int,
        max_tokens: int,
        length: int,
    ) -> None:
        metrics = self._metrics
        metrics.queue_time.observe(start - arrival)
        metrics.prefill_time.observe(first - start)
        metrics.decode_time.observe(end - first)
        metrics.inference_time.observe(end - start)
        metrics.e2e_latency.observe(end - arrival)
        if length > 1:
            metrics.time_per_output_token.observe((end - first) / (length - 1))
        metrics.request_prompt_tokens.observe(prompt_tokens)
        metrics.request_generation_tokens.observe(length)
        metrics.request_params_max_tokens.observe(max_tokens)


_ANSWER = words(500)
