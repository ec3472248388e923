"""A latency over time on a terminal: a column a moment, the promise as a line, and below what else held."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 100
"""Characters in a line, at most."""
MOST_PROMISES = 2.0
"""A plot is not higher than so many promises."""
_AXIS = 10
"""Characters of them before the columns."""
COLUMNS = WIDTH - _AXIS
_EIGHTHS = " ▁▂▃▄▅▆▇█"


Told = Sequence[tuple[float, str]]
"""What holds from a time on, until the next."""


@dataclass(frozen=True)
class Moment:
    """What was seen at one time."""

    at_seconds: float
    latency_seconds: float | None
    """None where there was no answer."""


def plot(
    moments: Sequence[Moment], promised_seconds: float, below: Sequence[tuple[str, Told]], rows: int = 10
) -> str:
    """Return lines of text, with names and what they tell below the columns.

    What exceeds the promise reaches beyond its line, which lies on the bottom of a row; what is too high for
    the plot ends in an arrow. Moments are as far apart as each other, and at most as many as columns.
    """
    moments = moments[:COLUMNS]
    seen = [each.latency_seconds for each in moments if each.latency_seconds is not None]
    highest = min(max([*seen, promised_seconds]), MOST_PROMISES * promised_seconds)
    line = max(math.floor(rows * promised_seconds / highest), 1)
    top = promised_seconds * rows / line
    times = [each.at_seconds for each in moments]
    lines = [
        f"{_label(row, rows, line, top):>{_AXIS - 2}} {'┤' if row == line + 1 else '│'}"
        + "".join(_cell(each, row, rows, top, is_line=row == line + 1) for each in moments)
        for row in range(max(rows, line + 1), 0, -1)
    ]
    lines += [
        f"{name:>{_AXIS - 2}} │{_row(_changes(told), times)}"
        for name, told in (*below, ("seconds", _clock(times)))
    ]
    return "\n".join(each.rstrip() for each in lines)


def _label(row: int, rows: int, line: int, top_seconds: float) -> str:
    if row == line + 1:
        return "promised"
    return f"{1000 * top_seconds:.0f} ms" if row == rows else ""


def _cell(moment: Moment, row: int, rows: int, top_seconds: float, *, is_line: bool) -> str:
    """A row of a column: the part of it that the latency fills; the line goes through what is empty."""
    empty = "_" if is_line else " "
    if moment.latency_seconds is None:
        return empty
    if moment.latency_seconds > top_seconds and row == rows:
        return "↑"
    eighths = math.floor(8 * (moment.latency_seconds / top_seconds * rows - (row - 1)))
    return _EIGHTHS[min(eighths, 8)] if eighths > 0 else empty


def _changes(told: Told) -> Told:
    before = ["", *(said for _, said in told)]
    return [each for each, last in zip(told, before, strict=False) if each[1] != last]


def _row(told: Told, times: Sequence[float]) -> str:
    """Texts from the columns of their times on; one gives way where the next begins, or at the end."""
    text = " " * len(times)
    for at_seconds, said in told:
        column = sum(each < at_seconds for each in times)
        room = len(times) - column
        text = text[:column] + f"╷{said}".ljust(room)[:room]
    return text


def _clock(times: Sequence[float]) -> Told:
    """The time at every tenth column."""
    return [(each, f"{each:.0f}") for each in times[::10]]
