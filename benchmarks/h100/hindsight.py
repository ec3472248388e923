"""What the tuner, as it is now, makes of what followed the last change in a log of `setpoint tune`.

    python -m benchmarks.h100.hindsight TUNE.jsonl.gz

The readings are those of the log, so it is told only until the first decision that changes a limit: what an
engine would have done then nobody has seen. How long a change is left to settle decides at which look its
window begins, and a look comes when it comes: so each of the first looks is tried as the window's begin.
"""

import gzip
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from setpoint.tuner.record import Record, parse_record
from setpoint.tuner.state import Change, State
from setpoint.tuner.tuner import decide

LOOKS = 4
"""How many looks after the change are tried."""


@dataclass(frozen=True)
class Outcome:
    """What came of a window: the change that it led to, or none by the log's end."""

    begins_seconds: float
    """After the change that is looked back at, as all times here."""
    is_own: bool
    """Whether the tuner begins the window there by itself."""
    ends_seconds: float
    """When the next change was decided, or of the last look."""
    change: Change | None

    def __str__(self) -> str:
        came = f"{self.change.policy}, {self.change.cause}" if self.change else "no change until the log ends"
        own = " (by itself)" if self.is_own else ""
        return f"a window from {self.begins_seconds:.0f} s{own}: after {self.ends_seconds:.0f} s {came}"


def main() -> None:
    """Print the outcome for each look."""
    with gzip.open(Path(sys.argv[1]), "rt", encoding="utf-8") as file:
        records = [parse_record(line) for line in file]
    for outcome in outcomes(records):
        print(outcome)


def outcomes(records: Sequence[Record]) -> Iterator[Outcome]:
    """Yield what comes of a window that begins at each of the first looks after the last change.

    Raises ValueError when the log has no change.
    """
    changes = [number for number, record in enumerate(records) if record.decision.is_applied]
    if not changes:
        raise ValueError("no limit was changed in this log")
    change, later = records[changes[-1]], records[changes[-1] + 1 :]
    _, state = decide(change.observation, change.before, change.settings)
    began = change.observation.now_seconds
    own = _own_begin(later, state)
    for number, record in enumerate(later[:LOOKS]):
        readings, now = record.observation.readings, record.observation.now_seconds
        window = replace(state, settled_seconds=now, began=readings)
        ends, changed = _next_change(later[number + 1 :], window)
        yield Outcome(now - began, number == own, (ends or now) - began, changed)


def _own_begin(later: Sequence[Record], state: State) -> int | None:
    for number, record in enumerate(later):
        _, state = decide(record.observation, state, record.settings)
        if state.began:
            return number
    return None


def _next_change(later: Sequence[Record], state: State) -> tuple[float | None, Change | None]:
    now = None
    for record in later:
        now = record.observation.now_seconds
        decision, state = decide(record.observation, state, record.settings)
        if decision.is_applied:
            return now, decision.change
    return now, None


if __name__ == "__main__":
    main()
