"""A bound on how often something may happen, with room for a burst."""

import time
from collections.abc import Callable


class TokenBucket:
    """Tokens drip in at a rate up to a size; whoever takes one that is not there yet waits for it."""

    def __init__(
        self, tokens_per_second: float, size: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._tokens_per_second = tokens_per_second
        self._size = size
        self._clock = clock
        self._tokens = float(size)
        self._filled_at = clock()

    def reserve_seconds(self) -> float:
        """Take one token and return how many seconds from now it is there."""
        now = self._clock()
        dripped = (now - self._filled_at) * self._tokens_per_second
        self._tokens = min(self._size, self._tokens + dripped) - 1
        self._filled_at = now
        return max(0.0, -self._tokens / self._tokens_per_second)
