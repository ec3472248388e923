"""Whether a promise is kept on an engine that does not judge its requests: by vLLM's own histograms."""

from collections.abc import Iterable

from setpoint.api.reasons import Reason
from setpoint.controllers.tuning.by_histogram import slo_met
from setpoint.signals.reading import Reading
from setpoint.signals.window import difference
from setpoint.tuner.promise import Objective

_WINDOW_SECONDS = 60.0


class Unjudged:
    """Looks at an engine without the plugin, in windows of a minute."""

    def __init__(self, objectives: Iterable[Objective]) -> None:
        self._objectives = tuple(objectives)
        self._began: Reading | None = None

    def look(self, reading: Reading | None) -> str:
        """Return what the histograms tell where a window ends with this reading, else nothing.

        None stands for an engine that could not be read. Nothing is told of one that judges its requests.
        """
        began = self._began
        if reading is None or reading.is_judging:
            self._began = None
        elif began is None or reading.at_seconds < began.at_seconds:
            self._began = reading
        elif reading.at_seconds - began.at_seconds >= _WINDOW_SECONDS:
            self._began = reading
            window = difference({"engine": began}, {"engine": reading}).believed
            if window is not None:
                _, reason, message = slo_met(self._objectives, window)
                return f"{_WORDS.get(reason, _UNKNOWN)}: {message}"
        return ""


_WORDS = {Reason.MET: "the promise is kept", Reason.MISSED: "the promise is broken"}
_UNKNOWN = "whether the promise is kept cannot be told"
