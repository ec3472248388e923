"""Ctrl-C, and the SIGTERM that ends a container: a load test writes what it measured, and then ends."""

import signal
from types import FrameType, TracebackType
from typing import Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Notes a signal while the block runs; one before anything is measured, or a second, raises instead."""

    def __init__(self) -> None:
        self.measuring = False
        """Whether there is something to write: set by who measures."""
        self._taken: list[int] = []

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._take) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @property
    def status(self) -> int:
        """The exit status by which a shell knows the signal; 0 when there was none."""
        return 128 + self._taken[0] if self._taken else 0

    def happened(self) -> bool:
        """Return whether a signal was taken."""
        return bool(self._taken)

    def _take(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self._taken.append(number)
        if len(self._taken) > 1 or not self.measuring:
            raise KeyboardInterrupt
