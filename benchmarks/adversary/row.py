"""How one hour came out with the tuner, beside the same hour without it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from benchmarks.adversary.faults import HOUR_SECONDS
from benchmarks.adversary.hour import drawn
from benchmarks.adversary.world import Seen, seen
from setpoint.signals.window import DataState
from setpoint.tuner.knobs import Knobs
from setpoint.tuner.record import Record
from setpoint.tuner.state import Mode

WINDOW_SECONDS = 600.0
WORSE_SHARE = 0.01
"""A window is worse with so much more of its requests bad."""


@dataclass(frozen=True)
class Row:
    """One seed; of each ten minutes one figure."""

    seed: int
    words: str
    """Engines, promise and load."""
    faults: tuple[str, ...]
    offered: tuple[int, ...]
    without: tuple[int, ...]
    """Bad requests of those that were sent in the window: late, shed, lost, or never answered."""
    tuned: tuple[int, ...]
    changes: int
    unfit_changes: int
    """Of those, on data that were not OK."""
    log: tuple[str, ...]
    """Each change: when, why, and from where to where."""

    @property
    def worst_window(self) -> int:
        """The number of the window with the greatest share of more bad requests."""
        return max(range(len(self.offered)), key=self.more_share)

    def more_share(self, number: int) -> float:
        """Share of a window's requests that are bad with the tuner, beyond those that are without."""
        return (self.tuned[number] - self.without[number]) / max(self.offered[number], 1)

    @property
    def worse_windows(self) -> tuple[int, ...]:
        """Numbers of the windows that are worse."""
        return tuple(each for each in range(len(self.offered)) if self.more_share(each) > WORSE_SHARE)


def rows(seed: int) -> list[Row]:
    """Let the hour of a seed go by without the tuner, and with it."""
    hour = drawn(seed)
    without, tuned = seen(hour, Mode.DISABLED), seen(hour, Mode.AUTO)
    offered = _by_window(tuned.offered)
    changed = [each for each in tuned.records if each.decision.change and each.decision.is_applied]
    return [
        Row(
            seed=seed,
            words=hour.words,
            faults=tuple(map(str, hour.faults)),
            offered=offered,
            without=_bad(without),
            tuned=_bad(tuned),
            changes=len(changed),
            unfit_changes=sum(map(is_on_unfit_data, tuned.records)),
            log=tuple(_line(each) for each in changed),
        )
    ]


def is_on_unfit_data(record: Record) -> bool:
    """Whether a limit moved off its start value by a look at which the data were not OK, or not all there."""
    observation, decision = record.observation, record.decision
    is_moved = record.after.knobs not in (record.before.knobs, Knobs())
    is_old = any(
        observation.now_seconds - each.at_seconds > record.settings.stale_seconds
        for each in observation.readings.values()
    )
    is_unfit = decision.data is not DataState.OK or bool(observation.missing) or is_old
    return is_unfit and (is_moved or decision.is_applied)


def _bad(of: Seen) -> tuple[int, ...]:
    return tuple(a - b for a, b in zip(_by_window(of.offered), _by_window(of.good), strict=True))


def _by_window(times: Iterable[float]) -> tuple[int, ...]:
    counts = [0] * int(HOUR_SECONDS / WINDOW_SECONDS)
    for each in times:
        counts[int(each // WINDOW_SECONDS)] += 1
    return tuple(counts)


def _line(record: Record) -> str:
    change = record.decision.change
    assert change is not None
    minutes = record.observation.now_seconds / 60
    before, after = ("; ".join(_knobs(each)) or "start" for each in (change.before, change.after))
    return f"{minutes:.2f} min {change.policy}: {before} -> {after}: {change.cause}"


def _knobs(knobs: Knobs) -> Iterator[str]:
    return (f"{limit} {value}" for limit, value in knobs.moved.items())
