"""Which key is reconciled next.

A key stands for an object whose state is looked up when its turn comes, so a key that is added a hundred
times before that is worked once; and no key is ever worked by two workers at a time. The rules are those of
client-go's workqueue.
"""

import asyncio
import heapq
import random
import time
from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from setpoint.kube.backoff import backoff_seconds
from setpoint.kube.tokenbucket import TokenBucket

K = TypeVar("K", bound=Hashable)

_BASE_SECONDS = 0.25
_CAP_SECONDS = 300.0
_RETRIES_PER_SECOND = 10.0
_RETRIES_AT_ONCE = 100


class WorkQueue(Generic[K]):
    """A queue of keys without duplicates, with delays and retries.

    A key is *dirty* from `add` until a worker gets it, and *processing* from then until `done`; what is added
    while processing becomes ready again at `done`. Of two delays for one key the sooner holds.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._clock = clock
        self._uniform = uniform
        self._ready: deque[K] = deque()
        self._dirty: set[K] = set()
        self._processing: set[K] = set()
        self._due: dict[K, float] = {}
        self._delays: list[tuple[float, int, K]] = []
        self._delays_made = 0
        self._failures: dict[K, int] = {}
        self._retries = TokenBucket(_RETRIES_PER_SECOND, _RETRIES_AT_ONCE, clock=clock)
        self._changed = asyncio.Event()

    @property
    def idle(self) -> bool:
        """True when nothing is ready and nobody works; delayed keys may wait."""
        return not self._dirty and not self._processing

    def add(self, key: K) -> None:
        """Ask for this key to be worked as soon as possible."""
        if key in self._dirty:
            return
        self._dirty.add(key)
        if key not in self._processing:
            self._ready.append(key)
            self._changed.set()

    def add_after(self, key: K, seconds: float) -> None:
        """Ask for this key to be worked in so many seconds, or sooner if that was asked for already."""
        if seconds <= 0:
            self.add(key)
            return
        due = self._clock() + seconds
        if due >= self._due.get(key, float("inf")):
            return
        self._due[key] = due
        self._delays_made += 1
        heapq.heappush(self._delays, (due, self._delays_made, key))
        self._changed.set()

    def add_rate_limited(self, key: K) -> None:
        """Ask for a retry: later with every one since `forget`, and all keys together at a bounded rate."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay = backoff_seconds(
            failures, base_seconds=_BASE_SECONDS, cap_seconds=_CAP_SECONDS, uniform=self._uniform
        )
        self.add_after(key, max(delay, self._retries.reserve_seconds()))

    def forget(self, key: K) -> None:
        """The key went well: its next retry is its first."""
        self._failures.pop(key, None)

    async def get(self) -> K:
        """Wait for a key and take it; `done` must follow."""
        while (key := self.get_nowait()) is None:
            self._changed.clear()
            try:
                async with asyncio.timeout(self.seconds_to_next_delay()):
                    await self._changed.wait()
            except TimeoutError:
                continue
        return key

    def get_nowait(self) -> K | None:
        """Take a key if one is ready."""
        self._release_delays()
        if not self._ready:
            return None
        key = self._ready.popleft()
        self._dirty.remove(key)
        self._processing.add(key)
        return key

    def done(self, key: K) -> None:
        """The worker that got this key has finished with it."""
        self._processing.remove(key)
        if key in self._dirty:
            self._ready.append(key)
            self._changed.set()

    def seconds_to_next_delay(self) -> float | None:
        """How long until a delayed key becomes ready; None when none waits."""
        return max(0.0, self._delays[0][0] - self._clock()) if self._delays else None

    def _release_delays(self) -> None:
        now = self._clock()
        while self._delays and self._delays[0][0] <= now:
            due, _, key = heapq.heappop(self._delays)
            # A delay that a sooner one replaced stays in the heap until its time comes, and then means
            # nothing.
            if self._due.get(key) == due:
                del self._due[key]
                self.add(key)
