"""The readings of the last minutes, for a window that ends now, whatever limits moved in it.

The tuner's own windows begin anew with each change. Whether a promise is kept is judged by time alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from setpoint.signals.reading import Reading
from setpoint.signals.window import DataState, Difference, Window, difference, pool

KEPT_PER_WINDOW = 20
"""So many moments are kept: a window is at most that share longer than it should be."""


@dataclass(frozen=True)
class History:
    """Moments in the order of time."""

    window_seconds: float
    moments: tuple[tuple[float, Mapping[str, Reading]], ...] = ()
    """Unix time, and the readings of the engines that could be read then."""

    def with_readings(self, now: float, readings: Mapping[str, Reading]) -> "History":
        """Return the history with one more moment, without those that no window needs any longer."""
        apart = self.window_seconds / KEPT_PER_WINDOW
        kept = self.moments
        if not kept or now - kept[-1][0] >= apart:
            kept = (*kept, (now, readings))
        first = max((at for at, _ in kept if at <= now - self.window_seconds), default=0.0)
        return History(self.window_seconds, tuple(each for each in kept if each[0] >= first))

    def until(self, readings: Mapping[str, Reading]) -> Difference:
        """Return what happened from the first moment until these readings.

        Moment by moment: a container that started anew in between loses only the time in which it did.
        """
        moments = [each for _, each in self.moments] + [readings]
        seen: list[Window] = []
        seconds = 0.0
        for before, after in pairwise(moments):
            step = difference(before, after)
            if step.window is not None and step.state in {DataState.OK, DataState.IDLE}:
                seen.append(step.window)
                seconds += step.window.seconds
        if not seen:
            return Difference(DataState.MISSING, "nothing has been seen for long enough")
        return Difference(DataState.OK, "", _joined(seen, seconds))


def _joined(windows: list[Window], seconds: float) -> Window:
    """One window after the other: counts are added, what is told of an end is that of the last."""
    counted, last = pool(windows).counted, windows[-1]
    return Window(
        seconds=seconds,
        counted=counted,
        running=last.running,
        waiting=last.waiting,
        in_hand_before=windows[0].in_hand_before,
        kv_cache_usage=max(each.kv_cache_usage for each in windows),
    )
