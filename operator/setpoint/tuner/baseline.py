"""How things were before a limit was moved: what a change is held against, where it says anything of now."""

import math
from dataclasses import dataclass

from setpoint.signals.reading import Judged
from setpoint.signals.window import Window
from setpoint.tuner.lengths import are_of_others


@dataclass(frozen=True)
class Baseline:
    """How things were at rest, just before the guard first moved a knob."""

    requests: Judged
    arrivals_per_second: float
    tokens_per_request: float = 0.0
    """Of prompt and answer; 0 where it was not told."""
    tokens: int | None = None
    """The budget at that time; None is the start value."""

    def load_of(self, window: Window) -> float:
        """What comes now as a share of what came then, by tokens where they are known, else by requests."""
        if not self.arrivals_per_second:
            return math.inf
        return self._lengths(window) * window.arrivals_per_second / self.arrivals_per_second

    def is_of_others(self, window: Window) -> bool:
        """Whether requests had quite other lengths then: it says nothing of those that come now."""
        return are_of_others(1.0, self._lengths(window))

    def _lengths(self, window: Window) -> float:
        then, now = self.tokens_per_request, window.tokens_per_request
        return now / then if then and now else 1.0
