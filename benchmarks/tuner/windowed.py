"""What all arms but the tuner have in common: they see whole windows, and move limits between these.

They see what the tuner sees, a reading of each engine at every look, and answer with the same limits file.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.virtual.steering import Told
from setpoint.signals.reading import Judged, Reading
from setpoint.signals.window import Window, difference
from setpoint.tuner.knobs import Knobs, Start, limits
from setpoint.tuner.limits_file import rendered
from setpoint.tuner.promise import Objective
from setpoint.tuner.state import Observation

BUDGET_VISITS = 12
"""Windows that a search may spend."""
SETTLE_SECONDS, MEASURED_SECONDS = 15.0, 45.0
"""Of a visit: what is not counted after a change, and what is."""
TOKENS = (256, 384, 512, 640, 768, 1024, 1536, 2048, 3072, 4096, 8192)
SEQUENCES = (32, 64, 128, 256, 512, 1024)
WRITER = "benchmark"


@dataclass(frozen=True)
class Seen:
    """What a window showed of the promise."""

    good_per_second: float
    good_share: float
    """Of the requests with a verdict."""
    excess_shares: tuple[float, ...]
    """For each objective by how much the share of late latencies exceeds what is allowed; below 0: room."""
    running: float

    @property
    def is_feasible(self) -> bool:
        """Whether every objective was kept."""
        return max(self.excess_shares) <= 0

    @property
    def score(self) -> float:
        """The share of good requests; of equals the one with fewer late latencies is the better."""
        return self.good_share - max(self.excess_shares)


def seen(window: Window, objectives: Sequence[Objective]) -> Seen:
    """Hold a window against a promise."""
    judged = [window.counted.judged.get(each.name, Judged()) for each in objectives]
    excess = (of.bad_share - each.bad_share_allowed for of, each in zip(judged, objectives, strict=True))
    requests = window.requests
    return Seen(
        good_per_second=requests.good / window.seconds,
        good_share=1 - requests.bad_share,
        excess_shares=tuple(excess),
        running=window.running,
    )


class Windowed(ABC):
    """Moves limits when a window ends; begins the next once a change has shown what it does."""

    settle_seconds = SETTLE_SECONDS
    measured_seconds = MEASURED_SECONDS

    def __init__(self, objectives: Sequence[Objective], start: Start) -> None:
        self.objectives = objectives
        self.start = start
        self.knobs = Knobs()
        self._generation = 1
        self._changed_seconds = 0.0
        self._began: Mapping[str, Reading] = {}
        self._began_seconds = 0.0

    @abstractmethod
    def next_knobs(self, window: Seen) -> Knobs:
        """Return what to keep to after this window."""

    def look(self, observation: Observation) -> Told:
        """Go on with the window, or end it."""
        now = observation.now_seconds
        if not self._began:
            if now >= self._changed_seconds + self.settle_seconds:
                self._begin(observation)
        elif now >= self._began_seconds + self.measured_seconds:
            self._end(observation)
        wanted = limits(self.knobs, self.start)
        return Told(rendered(self._generation, WRITER, wanted, self.objectives, expires_seconds=None))

    def _begin(self, observation: Observation) -> None:
        self._began, self._began_seconds = observation.readings, observation.now_seconds

    def _end(self, observation: Observation) -> None:
        window = difference(self._began, observation.readings).believed
        wanted = self.knobs
        if window is not None and window.requests.count:
            wanted = self.next_knobs(seen(window, self.objectives))
        self._begin(observation)
        if wanted != self.knobs:
            self.knobs = wanted
            self._generation += 1
            self._changed_seconds = observation.now_seconds
            self._began = {}


class Fixed(Windowed):
    """Leaves an engine as it was started."""

    def next_knobs(self, window: Seen) -> Knobs:  # noqa: ARG002  as its base has it
        """Return the start's."""
        return Knobs()


def knobs_of(tokens: int, sequences: int, start: Start) -> Knobs:
    """Return these limits as knobs, which are None at their start values."""
    return Knobs(
        tokens=tokens if tokens < start.tokens else None,
        seqs=sequences if sequences < start.seqs else None,
    )
