"""The operator of an hour: the tuner's cycles, what is stored of them, and the limits file that stands."""

from setpoint.controllers.tuning.tuned import Tuned, cycle, restored_state, stored_state
from setpoint.tuner.limits_file import rendered
from setpoint.tuner.record import Record
from setpoint.tuner.state import Observation, Settings
from setpoint_vllm.limits_file import parse

WINDOW_SECONDS = 300.0
"""The `slo.window` of the service."""


class Operator:
    """What decides, and writes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tuned = self._stored = Tuned()
        self.stands = self._text(1)
        """The limits file in the ConfigMap."""

    def look(self, observation: Observation, *, may_write: bool, highest: int) -> Record:
        """Do one cycle; `highest` is the highest generation of a file that engines may see."""
        record, self._tuned = cycle(self._tuned, observation, self._settings, self.stands, WINDOW_SECONDS)
        if may_write:
            self._stored = self._tuned
            self._write(highest)
        return record

    def start_anew(self) -> None:
        """Have no more than what was stored."""
        stored = self._stored
        state = restored_state(stored_state(stored.state))
        self._tuned = Tuned(state=state, done=stored.done, stored_limits=stored.wanted())

    def _write(self, highest: int) -> None:
        """As `orchestrations.live_limits`: a text that says the same stays, unless another is believed."""
        file = parse(self.stands)
        if file.generation < highest or self._text(file.generation) != self.stands:
            self.stands = self._text(highest + 1)

    def _text(self, generation: int) -> str:
        wanted = self._tuned.wanted()
        return rendered(
            generation,
            self._settings.writer,
            wanted,
            self._settings.objectives,
            expires_seconds=self._tuned.state.expires_seconds if wanted else None,
        )
