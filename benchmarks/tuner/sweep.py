"""Every arm on every case, with each seed: rows as they come, then tables."""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.tuner.arms import ARMS
from benchmarks.tuner.cases import LOADS, Case, Promise, cases, named
from benchmarks.tuner.days import PROMISES, Day, Rates, lived, rates
from benchmarks.tuner.table import told, told_days
from benchmarks.tuner.trial import Row
from benchmarks.tuner.trial import rows as rows_of
from benchmarks.virtual.results import TUNER, gather, measured_on, read

RESULTS = Path(__file__).parent / "results.json"


@dataclass(frozen=True)
class Work:
    """What one process does at a time: all arms on one load with one seed share what is simulated."""

    load: str
    seed: int
    promises_by_arm: tuple[tuple[str, tuple[Promise, ...]], ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `sweep`."""
    parser.add_argument("results", type=Path, nargs="?", default=RESULTS, help="file of rows (default: ours)")
    parser.add_argument("--seeds", type=int, default=5, help="how many paired seeds (default: 5)")
    parser.add_argument("--cases", nargs="+", default=[], metavar="CASE", help="beginnings of their names")
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=list(ARMS), metavar="ARM")
    parser.add_argument(
        "--again", action="store_true", help="measure these arms anew, as for a changed tuner"
    )
    parser.add_argument("--days", action="store_true", help="also a day with the autoscaler, from these rows")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--tell-only", action="store_true", help="tell what the file has")


def run(options: argparse.Namespace) -> int:
    """Run what is missing, write it, and tell it. Return the exit status: 2 for a case that is not known."""
    try:
        chosen = [each for text in options.cases for each in named(text)] or cases()
    except ValueError as error:
        print(error)
        return 2
    found = read(options.results)
    if not options.tell_only:
        _measure(found, chosen, options)
    rows = [row_of(each) for each in found["rows"]]
    days_file = options.results.with_stem(f"{options.results.stem}-days")
    days = read(days_file)
    if options.days and not options.tell_only:
        _live(days, days_file, rows, options)
    print(told(rows))
    print()
    print(told_days([Day(**each) for each in days["rows"]]))
    return 0


def missing(rows: Iterable[Row], chosen: Sequence[Case], arms: Sequence[str], seeds: int) -> list[Work]:
    """Return what has no row yet: all of one seed, then the next, so that an early end leaves whole ones."""
    have = {(each.load, each.promise, each.arm, each.seed) for each in rows}
    loads = list(dict.fromkeys(each.load for each in chosen))
    work = []
    for seed in range(1, seeds + 1):
        for load in loads:
            promises = list(dict.fromkeys(each.promise for each in chosen if each.load == load))
            wanted = {
                arm: tuple(each for each in promises if (load, each.name, arm, seed) not in have)
                for arm in arms
            }
            by_arm = tuple((arm, these) for arm, these in wanted.items() if these)
            if by_arm:
                work.append(Work(load, seed, by_arm))
    return work


def _measure(found: dict[str, Any], chosen: Sequence[Case], options: argparse.Namespace) -> None:
    if options.again:
        names = {(each.load, each.promise.name) for each in chosen}
        found["rows"] = [
            each
            for each in found["rows"]
            if each["arm"] not in options.arms or (each["load"], each["promise"]) not in names
        ]
    work = missing(map(row_of, found["rows"]), chosen, options.arms, options.seeds)
    found |= measured_on(*TUNER)
    gather(options.results, found, _place, work, _done, options.processes)


def _live(days: dict[str, Any], file: Path, rows: Sequence[Row], options: argparse.Namespace) -> None:
    """Play the days of these arms, where the rows have what their autoscaler goes by."""
    if options.again:
        days["rows"] = [each for each in days["rows"] if each["arm"] not in options.arms]
    have = {(each["promise"], each["arm"], each["seed"]) for each in days["rows"]}
    known = rates(rows)
    work = [
        (promise, arm, known[promise.name, arm], seed)
        for seed in range(1, options.seeds + 1)
        for promise in PROMISES
        for arm in options.arms
        if (promise.name, arm) in known and (promise.name, arm, seed) not in have
    ]
    days |= measured_on(*TUNER)
    gather(file, days, _place_of_day, work, _lived, options.processes)


def _lived(work: tuple[Promise, str, Rates, int]) -> list[Day]:
    promise, arm, sustainable, seed = work
    return [lived(promise, ARMS[arm], sustainable, seed)]


def _done(work: Work) -> list[Row]:
    return [
        row
        for arm, promises in work.promises_by_arm
        for row in rows_of(work.load, promises, ARMS[arm], work.seed)
    ]


def row_of(content: dict[str, Any]) -> Row:
    """Return a row as it was before it was written."""
    return Row(**{**content, "recovered_windows": tuple(content["recovered_windows"])})


_LOADS, _ARMS = list(LOADS), list(ARMS)


def _place(row: dict[str, Any]) -> tuple[Any, ...]:
    return _LOADS.index(row["load"]), _itl(row["promise"]), _ARMS.index(row["arm"]), row["seed"]


def _place_of_day(row: dict[str, Any]) -> tuple[Any, ...]:
    return _itl(row["promise"]), _ARMS.index(row["arm"]), row["seed"]


def _itl(promise: str) -> float:
    return float(promise.split()[1])
