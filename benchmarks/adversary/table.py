"""What all hours came to, and the story of the worst windows."""

from collections import Counter
from collections.abc import Sequence

from benchmarks.adversary.row import WINDOW_SECONDS, WORSE_SHARE, Row

_CHANGES = ((0, 0), (1, 2), (3, 4), (5, 8), (9, 16), (17, 1000))


def told(rows: Sequence[Row], stories: int) -> str:
    """Return the figures over all hours, and the stories of so many of the worst."""
    if not rows:
        return "There is no hour yet."
    worst = sorted(rows, key=lambda each: -each.more_share(each.worst_window))
    worse = [each for each in worst if each.worse_windows]
    parts = [summary(rows), losses(worse)]
    parts += [story(each) for each in (worse or worst[:1])[:stories]]
    return "\n\n".join(parts)


def summary(rows: Sequence[Row]) -> str:
    """Return the figures over all hours as a Markdown table."""
    windows = sum(len(each.offered) for each in rows)
    worse = sum(len(each.worse_windows) for each in rows)
    better = sum(row.more_share(each) < -WORSE_SHARE for row in rows for each in range(len(row.offered)))
    offered, without, tuned = (
        sum(sum(getattr(each, name)) for each in rows) for name in ("offered", "without", "tuned")
    )
    hours = Counter(_range_of(each.changes) for each in rows)
    changes = ", ".join(f"{_range(each)}: {hours[each]}" for each in _CHANGES)
    lines = [
        "| | |",
        "|---|---|",
        f"| hours, by their seeds | {len(rows)}, {rows[0].seed} to {rows[-1].seed} |",
        f"| windows of ten minutes | {windows} |",
        f"| with more than {WORSE_SHARE:.0%} more bad requests than without | {worse} |",
        f"| in so many hours | {sum(bool(each.worse_windows) for each in rows)} |",
        f"| with more than {WORSE_SHARE:.0%} fewer | {better} |",
        f"| bad requests without, of {offered:,} | {100 * without / offered:.2f} % |",
        f"| bad requests with | {100 * tuned / offered:.2f} % |",
        f"| changes on data that were not OK | {sum(each.unfit_changes for each in rows)} |",
        f"| hours by their number of changes | {changes} |",
    ]
    return "\n".join(lines)


def losses(worse: Sequence[Row]) -> str:
    """Return a line for each window that is worse, the greatest loss first."""
    found = sorted(
        ((row.more_share(each), row, each) for row in worse for each in row.worse_windows),
        key=lambda each: -each[0],
    )
    lines = [
        "| seed | minutes | offered | bad without | bad with | more | faults of the hour |",
        "|---|---|---|---|---|---|---|",
    ]
    for more, row, number in found:
        begins = int(number * WINDOW_SECONDS / 60)
        cells = (
            row.seed, f"{begins} to {begins + 10}", row.offered[number], row.without[number],
            row.tuned[number], f"{100 * more:.1f} %", "; ".join(row.faults),
        )  # fmt: skip
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) if found else "No window was worse."


def story(row: Row) -> str:
    """Return what an hour was, and each change in it."""
    number = row.worst_window
    begins = int(number * WINDOW_SECONDS / 60)
    lines = [
        f"Seed {row.seed}: {row.words}",
        f"  faults: {'; '.join(row.faults)}",
        f"  worst from minute {begins} to {begins + 10}: {100 * row.more_share(number):.1f} % more are bad",
        f"  offered {row.offered}, bad without {row.without}, with {row.tuned}",
    ]
    return "\n".join([*lines, *(f"  {each}" for each in row.log)])


def _range_of(changes: int) -> tuple[int, int]:
    return next(each for each in _CHANGES if each[0] <= changes <= each[1])


def _range(ends: tuple[int, int]) -> str:
    low, high = ends
    if low == high:
        return str(low)
    return f"{low} to {high}" if ends != _CHANGES[-1] else f"{low} or more"
