"""How long steps take by the tokens in them: what the tuner learns an engine's speed from.

Counted where the scheduler takes in what a step gave, since that comes once for each step and in their
order, also where the next one is scheduled before (asynchronous scheduling). From one such moment to the next
is what the step took; the first after a rest, which is all prompts, took the time since it was scheduled.
vLLM's own histogram of tokens in a step does not tell: it counts a prompt's tokens at the step that ends its
prefill, however many steps that took.
"""

import time
from bisect import bisect_left
from collections.abc import Callable
from typing import Any

EDGES = (64, 128, 256, 512, 1024, 2048, 4096, 8192)
"""Steps are counted by size: of at most so many tokens, and those of more."""
SIZES = (*map(str, EDGES), "+Inf")
LONGEST_SECONDS = 5.0
"""What takes longer is no step of a working engine: a compilation, a machine that slept."""

TOTALS = ("steps", "seconds", "tokens")
Row = tuple[float, float, float]
"""The totals of one size."""


class BySize:
    """Totals of steps by their size."""

    def __init__(self) -> None:
        self._rows = [[0, 0.0, 0] for _ in SIZES]

    @property
    def rows(self) -> list[Row]:
        """What was counted since the start, for each of SIZES."""
        return [(count, seconds, tokens) for count, seconds, tokens in self._rows]

    def count(self, tokens: int, seconds: float) -> None:
        """Count one more step."""
        row = self._rows[bisect_left(EDGES, tokens)]
        row[0] += 1
        row[1] += seconds
        row[2] += tokens


class StepTimes:
    """Counts the steps of one scheduler, if it is built as we know it; else it counts none."""

    def __init__(self, scheduler: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self._scheduler = scheduler
        self._clock = clock
        self._update: Any = getattr(scheduler, "update_from_output", None)
        self._schedule: Any = getattr(scheduler, "schedule", None)
        self._last: float | None = None
        self._by_size = BySize()
        if callable(self._update) and callable(self._schedule):
            scheduler.schedule = self._schedule_from_rest
            scheduler.update_from_output = self._update_and_count

    @property
    def rows(self) -> list[Row]:
        """What was counted since the start, for each of SIZES."""
        return self._by_size.rows

    def _schedule_from_rest(self, *arguments: Any, **options: Any) -> Any:
        if self._last is None:
            self._last = self._clock()
        return self._schedule(*arguments, **options)

    def _update_and_count(self, scheduler_output: Any, *arguments: Any, **options: Any) -> Any:
        found = self._update(scheduler_output, *arguments, **options)
        try:
            self._count(int(scheduler_output.total_num_scheduled_tokens))
        except Exception:
            # Another kind of output: the engine goes on as if nobody counted.
            self._scheduler.update_from_output, self._scheduler.schedule = self._update, self._schedule
        return found

    def _count(self, tokens: int) -> None:
        if not tokens:
            return
        now, last = self._clock(), self._last
        # With nothing left to run the engine waits: what comes next begins when it is scheduled, not now.
        self._last = now if self._scheduler.running else None
        if last is not None and now - last <= LONGEST_SECONDS:
            self._by_size.count(tokens, now - last)
