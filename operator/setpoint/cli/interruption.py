"""Ctrl-C, and the SIGTERM that ends a container: a load test writes what it measured, and then ends."""

import signal
from types import FrameType, TracebackType
from typing import Self


class Interruption:
    """Notes a signal while the block runs; one before anything is measured, or a second, ends the block."""

    def __init__(self) -> None:
        self._measuring = False
        self._taken: list[int] = []

    def __enter__(self) -> Self:
        # Until something is measured Ctrl-C is Python's own, by which asyncio ends in good order.
        handlers = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: self._take}
        self._before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def begin(self) -> None:
        """Say that there is something to write from now on; may be said often."""
        if not self._measuring:
            self._measuring = True
            signal.signal(signal.SIGINT, self._take)

    @property
    def status(self) -> int:
        """The exit status by which a shell knows the signal that was taken first."""
        return 128 + (self._taken[0] if self._taken else signal.SIGINT)

    def happened(self) -> bool:
        """Return whether a signal was taken."""
        return bool(self._taken)

    def _take(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self._taken.append(number)
        if len(self._taken) > 1:
            raise KeyboardInterrupt
        if not self._measuring:
            signal.raise_signal(signal.SIGINT)
