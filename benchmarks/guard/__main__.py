"""Try the guard on simulated engines: is it ever worse than the start values?

    python -m benchmarks.guard [RESULTS.json] [--seeds 20]

Three tests: 0.95 times what the start values can answer for twenty minutes; 1.3 times that for ten; and an
outage, in which nothing can be read for half an hour in the middle of a longer overload, so that leases run
out. Each seed is run without the guard and with it, on the same requests; a request is bad when it was
late by any objective, shed, or never answered. Rows are written as they come, and a run that was stopped goes
on where it stopped; with --tell-only it tells what RESULTS.json has.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.guard.plan import LOADS, TESTS, Row, capacity_per_second, cells, rows
from benchmarks.guard.table import losses, table
from benchmarks.virtual.results import TUNER, gather, measured_on, read

RESULTS = Path(__file__).parent / "results.json"


def main() -> None:
    """Run what is missing, write it, and tell it."""
    options = _options()
    found = read(options.results)
    if not options.tell_only:
        found = _run(found, options)
    every = [_row(each) for each in found["rows"]]
    print(table(every))
    print()
    print(losses(every))


def _run(found: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    have = {(each["test"], each["load"], each["replicas"], each["seed"]) for each in found["rows"]}
    wanted = [each for each in cells(options.seeds) if tuple(asdict(each).values()) not in have]
    capacities = {load: capacity_per_second(load) for load in LOADS}
    found |= measured_on(*TUNER) | {"capacity_per_second": capacities}
    gather(options.results, found, _place, wanted, rows, options.processes)
    return found


def _row(content: dict[str, Any]) -> Row:
    windows = {name: tuple(content[name]) for name in ("without", "guarded")}
    return Row(**{**content, **windows})


def _place(row: dict[str, Any]) -> Sequence[Any]:
    return [*TESTS].index(row["test"]), row["load"], row["replicas"], row["promise"], row["seed"]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guard", description=__doc__)
    parser.add_argument("results", type=Path, nargs="?", default=RESULTS)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--tell-only", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
