"""How far a long step is: one live line on a terminal, elsewhere a plain line now and then."""

import sys
import time
from typing import TextIO

PLAIN_INTERVAL_SECONDS = 15.0
LIVE_INTERVAL_SECONDS = 0.2


def say(line: str) -> None:
    """Print one line of progress to standard error."""
    print(line, file=sys.stderr, flush=True)


class Progress:
    """One step's progress; `update` may be called as often as one likes."""

    def __init__(self, title: str, stream: TextIO | None = None) -> None:
        self._title = title
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._started = time.monotonic()
        self._shown = -PLAIN_INTERVAL_SECONDS
        self._width = 0

    @property
    def elapsed_seconds(self) -> float:
        """Time since the step began."""
        return time.monotonic() - self._started

    def update(self, text: str) -> None:
        """Show `text` if the last line is old enough."""
        interval = LIVE_INTERVAL_SECONDS if self._live else PLAIN_INTERVAL_SECONDS
        if self.elapsed_seconds - self._shown < interval:
            return
        self._shown = self.elapsed_seconds
        self._write(f"{self._title}: {text}, {self.elapsed_seconds:.0f} s", end="" if self._live else "\n")

    def finish(self, text: str) -> None:
        """Show the last line, always."""
        self._write(f"{self._title}: {text}, {self.elapsed_seconds:.1f} s", end="\n")

    def _write(self, line: str, *, end: str) -> None:
        if self._live:
            padding = " " * max(self._width - len(line), 0)
            self._stream.write(f"\r{line}{padding}{end}")
            self._width = len(line)
        else:
            self._stream.write(line + end)
        self._stream.flush()
