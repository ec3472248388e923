"""What happened between two readings of the same engines, and whether it may be believed."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from setpoint.signals.reading import Counters, Judged, Reading
from setpoint_vllm.limits_file import Latency

STUCK_SECONDS = 30.0
"""An engine that has requests and gives no token for so long says something that cannot be."""


class DataState(StrEnum):
    """What the data of a window are good for. A limit moves on nothing but OK."""

    OK = "OK"
    IDLE = "IDLE"
    """Nothing was asked of the engines."""
    LOW_TRAFFIC = "LOW_TRAFFIC"
    """Too few requests to tell anything by."""
    STALE = "STALE"
    """The newest reading of an engine is too old."""
    MISSING = "MISSING"
    """An engine that should be there could not be read."""
    RESET = "RESET"
    """An engine has started anew since: its counters say nothing about the time before."""
    INCONSISTENT = "INCONSISTENT"
    """What was read cannot be true."""


@dataclass(frozen=True)
class Window:
    """What engines did between two readings, pooled over them."""

    seconds: float
    counted: Counters
    """Differences of the counters."""
    running: float
    """Requests in execution at its end."""
    waiting: float
    in_hand_before: float
    """Requests running or waiting at its beginning."""
    running_before: float
    """Of those, the ones in execution."""
    kv_cache_usage: float
    """The higher share of both ends, of the engine with the highest."""

    @property
    def finished(self) -> float:
        """Sequences that were answered to their end."""
        return self.counted.good + self.counted.late

    @property
    def requests(self) -> Judged:
        """Those with a verdict: shed and failed ones are bad, whose client left is neither."""
        counted = self.counted
        return Judged(counted.good, counted.late + counted.shed + counted.failed)

    @property
    def in_hand(self) -> float:
        """Requests running or waiting at its end."""
        return self.running + self.waiting

    @property
    def arrived(self) -> float:
        """Requests that came: what ended, was shed or left, and what there is more in hand than before."""
        ended = self.requests.count + self.counted.cut
        return max(ended + self.in_hand - self.in_hand_before, 0.0)

    @property
    def arrivals_per_second(self) -> float:
        """0 for a window of no length."""
        return self.arrived / self.seconds if self.seconds else 0.0

    @property
    def tokens_per_request(self) -> float:
        """Of prompt and answer; 0 where none was answered."""
        tokens = self.counted.prompt_tokens + self.counted.generation_tokens
        return tokens / self.finished if self.finished else 0.0

    @property
    def prompt_tokens_per_second(self) -> float:
        """Prompt tokens that were computed, of requests that had their first token."""
        return self.counted.prompt_tokens / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class Difference:
    """A window, or the reason why there is none to believe."""

    state: DataState
    reason: str = ""
    window: Window | None = None

    @property
    def believed(self) -> Window | None:
        """The window, where what it says may be true."""
        return self.window if self.state in {DataState.OK, DataState.IDLE} else None


def difference(before: Mapping[str, Reading], after: Mapping[str, Reading]) -> Difference:
    """Return what the engines that are in both did between two readings of each, pooled.

    One that came or went in between, as in a rollout, is no part of it. A counter that has fallen shows that
    an engine has started anew under its old name.
    """
    windows = []
    for name in sorted(before.keys() & after.keys()):
        last = after[name]
        window = _between(before[name], last)
        if window is None:
            return Difference(DataState.RESET, f"{name} has started anew: a counter has fallen")
        stuck = window.in_hand_before > 0 and window.in_hand > 0 and not window.counted.generation_tokens
        if stuck and window.seconds >= STUCK_SECONDS:
            reason = f"{name} has {window.in_hand:g} requests and gave no token for {window.seconds:.0f} s"
            return Difference(DataState.INCONSISTENT, reason, window)
        windows.append(window)
    if not windows:
        return Difference(DataState.RESET, "no engine is left of those that the window began with")
    pooled = pool(windows)
    if not pooled.arrived and not pooled.in_hand and not pooled.counted.generation_tokens:
        return Difference(DataState.IDLE, "no request has come", pooled)
    return Difference(DataState.OK, "", pooled)


def pool(windows: Iterable[Window]) -> Window:
    """Return the window of all these engines together, at least one; of shares, and of lengths, the highest
    counts.
    """
    first, *others = windows
    pooled = first
    for each in others:
        pooled = Window(
            seconds=max(pooled.seconds, each.seconds),
            counted=pooled.counted + each.counted,
            running=pooled.running + each.running,
            waiting=pooled.waiting + each.waiting,
            in_hand_before=pooled.in_hand_before + each.in_hand_before,
            running_before=pooled.running_before + each.running_before,
            kv_cache_usage=max(pooled.kv_cache_usage, each.kv_cache_usage),
        )
    return pooled


def _between(before: Reading, after: Reading) -> Window | None:
    shared = before.counters.latencies.keys() & after.counters.latencies.keys()
    counted = _with_latencies(after.counters, shared) - _with_latencies(before.counters, shared)
    if after.at_seconds < before.at_seconds or counted.is_negative:
        return None
    return Window(
        seconds=after.at_seconds - before.at_seconds,
        counted=counted,
        running=after.running,
        waiting=after.waiting,
        in_hand_before=before.running + before.waiting,
        running_before=before.running,
        kv_cache_usage=max(before.kv_cache_usage, after.kv_cache_usage),
    )


def _with_latencies(counters: Counters, wanted: Collection[Latency]) -> Counters:
    """The counters with these histograms only: what was asked for at one end alone was not counted from 0."""
    if len(counters.latencies) == len(wanted):
        return counters
    return replace(counters, latencies={each: counters.latencies[each] for each in wanted})
