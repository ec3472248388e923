"""How a program that starts clusters ends when it is told to."""

import signal
import sys
from types import FrameType

from e2e.clusters.progress import say

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def unwind_when_told_to_end() -> None:
    """Let the signals that end a program raise SystemExit, so that what was begun is taken away."""
    for number in _ENDING:
        signal.signal(number, _end)


def _end(number: int, _frame: FrameType | None) -> None:
    """End by unwinding; a second signal must not cut that short."""
    for other in _ENDING:
        signal.signal(other, signal.SIG_IGN)
    say(f"\nstopped by {signal.Signals(number).name}: cleaning up")
    sys.exit(128 + number)
