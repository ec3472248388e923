"""Holding one load on the endpoint for a while, until its window is over and its requests are decided."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from setpoint.loadgen.fleet import Fleet
from setpoint.loadgen.measure import Held, Load
from setpoint.loadgen.plan import Plan
from setpoint.loadgen.records import Record
from setpoint.workload.objectives import Metric, Slo

_TICK_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Progress:
    """How a stage goes."""

    load: Load
    elapsed_seconds: float
    duration_seconds: float
    answered: int
    failed: int
    under_way: int


@dataclass(frozen=True, slots=True)
class Look:
    """A look at a stage under way, after which it may end."""

    at_seconds: float
    is_decided: Callable[[Held], bool]


@dataclass(frozen=True, slots=True)
class Holder:
    """Holds loads by one fleet."""

    fleet: Fleet
    slo: Slo | None
    timeout_seconds: float
    tell: Callable[[Progress], None]
    interrupted: Callable[[], bool]

    def hold(self, load: Load, plan: Plan, duration_seconds: float, looks: Sequence[Look] = ()) -> Held:
        """Return what the load gave; it is shorter when a look decides it, or when interrupted."""
        fleet = self.fleet
        fleet.begin(plan)
        waiting = list(looks)
        while (now := fleet.now()) < duration_seconds and not self.interrupted():
            fleet.listen(min(_TICK_SECONDS, duration_seconds - now))
            self._tell(load, duration_seconds)
            if waiting and fleet.now() >= waiting[0].at_seconds:
                look = waiting.pop(0)
                if look.is_decided(self._look(load)):
                    break
        end = min(duration_seconds, fleet.now())
        self._let_end(load, end, duration_seconds)
        taken = fleet.now()
        return self._held(load, fleet.stop(), end, taken)

    def _let_end(self, load: Load, end: float, duration_seconds: float) -> None:
        """Keep the load up until the window's requests have ended, or can no longer be good."""
        if self.slo is None:
            return
        fleet = self.fleet
        asked = max((record.output_tokens_asked for record in fleet.told.ended), default=1)
        grace = min(self.timeout_seconds, end, longest_good_seconds(self.slo, asked))
        while fleet.now() < end + grace and not self.interrupted():
            fleet.listen(2 * _TICK_SECONDS + 0.1)
            self._tell(load, duration_seconds)
            if not any(since < end for sender in fleet.told.open_since for since in sender):
                return

    def _look(self, load: Load) -> Held:
        now = self.fleet.now()
        return self._held(load, self.fleet.snapshot(), now, now)

    def _held(self, load: Load, records: Sequence[Record], end: float, taken: float) -> Held:
        """Return the stage. `taken` is read before the records come: none is late for its way here."""
        told = self.fleet.told
        return Held(load, records, end, taken, told.cpu, told.lags, tuple(self.fleet.deaths))

    def _tell(self, load: Load, duration_seconds: float) -> None:
        told = self.fleet.told
        failed = sum(record.error is not None for record in told.ended)
        under_way = sum(map(len, told.open_since))
        elapsed = max(0.0, self.fleet.now())
        self.tell(Progress(load, elapsed, duration_seconds, len(told.ended) - failed, failed, under_way))


def longest_good_seconds(slo: Slo, output_tokens: int) -> float:
    """Return after how long a request of so many tokens has ended or is not good; infinite if never."""
    thresholds = {each.metric: each.threshold_seconds for each in slo.objectives}
    never = float("inf")
    gaps = thresholds.get(Metric.ITL, never) * (output_tokens - 1) if output_tokens > 1 else 0.0
    return min(thresholds.get(Metric.E2E, never), thresholds.get(Metric.TTFT, never) + gaps)
