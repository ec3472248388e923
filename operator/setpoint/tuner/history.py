"""What happened in the last minutes, for a window that ends now, whatever limits moved in it.

The tuner's own windows begin anew with each change. Whether a promise is kept is judged by time alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from setpoint.signals.reading import Counters, Reading
from setpoint.signals.window import DataState, Difference, Window, difference

KEPT_PER_WINDOW = 20
"""So many moments are kept: a window is at most that share longer than it should be."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The end of an interval; all that is known of it, so that no reading of it has to be kept."""

    at_seconds: float
    """Unix time."""
    total: Window = field(default_factory=lambda: Window(0.0, Counters(), 0.0, 0.0, 0.0, 0.0, 0.0))
    """All intervals that may be believed, from the first that ever was to this one, also those that are
    forgotten: what lies between two moments is a difference. Running and waiting are those of the last."""
    interval: Window | None = None
    """This interval, without its counters; None where it may not be believed."""


@dataclass(frozen=True)
class History:
    """Moments in the order of time."""

    window_seconds: float
    moments: tuple[Moment, ...] = ()
    readings: Mapping[str, Reading] = field(default_factory=dict)
    """The engines at the last of the moments."""

    def with_readings(self, now: float, readings: Mapping[str, Reading]) -> "History":
        """Return the history with one more moment, without those that no window needs any longer. It begins
        anew where the clock was set back: no time that is remembered means anything then.
        """
        moments, last = self.moments, self.readings
        if not moments or now < moments[-1].at_seconds:
            moments, last = (Moment(now),), readings
        elif now - moments[-1].at_seconds >= self.window_seconds / KEPT_PER_WINDOW:
            moments, last = (*moments, self._following(now, readings)), readings
        first = max(
            (each.at_seconds for each in moments if each.at_seconds <= now - self.window_seconds), default=0.0
        )
        return History(self.window_seconds, tuple(each for each in moments if each.at_seconds >= first), last)

    def until(self, readings: Mapping[str, Reading]) -> Difference:
        """Return what happened from the first moment until these readings.

        Moment by moment: a container that started anew in between loses only the time in which it did.
        """
        if not self.moments:
            return Difference(DataState.MISSING, "nothing has been seen for long enough")
        end = self._following(0.0, readings)
        believed = [each.interval for each in (*self.moments[1:], end) if each.interval is not None]
        if not believed:
            return Difference(DataState.MISSING, "nothing has been seen for long enough")
        total, forgotten = end.total, self.moments[0].total
        window = Window(
            seconds=total.seconds - forgotten.seconds,
            counted=total.counted - forgotten.counted,
            running=total.running,
            waiting=total.waiting,
            in_hand_before=believed[0].in_hand_before,
            running_before=believed[0].running_before,
            kv_cache_usage=max(each.kv_cache_usage for each in believed),
        )
        return Difference(DataState.OK, "", window)

    def _following(self, now: float, readings: Mapping[str, Reading]) -> Moment:
        before = self.moments[-1].total
        seen = difference(self.readings, readings)
        window = seen.believed
        if window is None:
            return Moment(now, before, None)
        total = replace(
            window, seconds=before.seconds + window.seconds, counted=before.counted + window.counted
        )
        return Moment(now, total, replace(window, counted=_NOT_KEPT))


_NOT_KEPT = Counters()
