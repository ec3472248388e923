"""The rows of the guard's benchmark as Markdown: what it is worth, and each window in which it was worse."""

from collections.abc import Iterable
from itertools import groupby
from statistics import mean

from benchmarks.guard.plan import WINDOW_SECONDS, Row


def table(rows: Iterable[Row]) -> str:
    """Return a line for each test, load, number of replicas and promise, over all seeds.

    Good is the share of requests that kept every objective, of all that were offered. Worse are the windows
    of ten minutes with more bad requests under the guard, of all.
    """
    lines = [
        "| test | load | replicas | promise | seeds | good without | with | worse | worst by | lease out |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for (test, load, replicas, promise), group in groupby(rows, _cell):
        of = list(group)
        worse = [each for row in of for each in _worse(row)]
        cells = (
            test, load, replicas, promise, len(of),
            f"{100 * mean(_good(row, row.without) for row in of):.1f} %",
            f"{100 * mean(_good(row, row.guarded) for row in of):.1f} %",
            f"{sum(each > 0 for each in worse)} of {len(worse)}",
            max((each for each in worse if each > 0), default="-"),
            f"{sum(row.lease_ran_out for row in of)} of {len(of)}" if test == "outage" else "-",
        )  # fmt: skip
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def losses(rows: Iterable[Row]) -> str:
    """Return a line for each window in which the guard had more bad requests, the greatest loss first."""
    lost = [
        (guarded - without, row, number, without)
        for row in rows
        for number, (without, guarded) in enumerate(zip(row.without, row.guarded, strict=True))
        if guarded > without
    ]
    lines = [
        "| test | load | replicas | promise | seed | minutes | bad without | bad with | more, of the run |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for more, row, number, without in sorted(lost, key=lambda each: -each[0] / each[1].offered):
        begins = int(number * WINDOW_SECONDS / 60)
        cells = (
            row.test, row.load, row.replicas, row.promise, row.seed, f"{begins} to {begins + 10}",
            without, without + more, f"{100 * more / row.offered:.2f} %",
        )  # fmt: skip
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) if lost else "No window was worse."


def _cell(row: Row) -> tuple[str, str, int, str]:
    return row.test, row.load, row.replicas, row.promise


def _worse(row: Row) -> list[int]:
    return [guarded - without for without, guarded in zip(row.without, row.guarded, strict=True)]


def _good(row: Row, bad: tuple[int, ...]) -> float:
    return 1 - sum(bad) / row.offered
