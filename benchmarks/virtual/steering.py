"""Who moves the limits of virtual engines: sees readings, and answers with a limits file."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from setpoint.tuner.knobs import Start
from setpoint.tuner.limits_file import limits_file
from setpoint.tuner.promise import Objective
from setpoint.tuner.state import Decision, Observation, Settings, State
from setpoint.tuner.tuner import decide


@dataclass(frozen=True)
class Told:
    """The limits file that stands after a look."""

    file_text: str
    decision: Decision | None = None
    """How it came about, where the tuner wrote it."""


class Steering(Protocol):
    """Looks at the engines every few seconds."""

    @property
    def objectives(self) -> Sequence[Objective]:
        """What the engines judge every latency and request by."""

    def look(self, observation: Observation) -> Told:
        """Return what the engines are to keep to from now on."""


class Tuner:
    """Setpoint's tuner, on engines with this start."""

    def __init__(self, settings: Settings, start: Start) -> None:
        self.objectives = settings.objectives
        self._settings, self._start = settings, start
        self._state = State()

    def look(self, observation: Observation) -> Told:
        """Decide, by what was told last."""
        seen = replace(observation, told_generation=self._state.generation)
        decision, self._state = decide(seen, self._state, self._settings)
        return Told(limits_file(self._state, self._settings, self._start), decision)
