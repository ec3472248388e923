"""Is the tuner ever worse than none, whatever goes wrong?

    python -m benchmarks.adversary [RESULTS.json] [--hours 1000] [--first-seed 1] [--processes 1]

Each seed is one hour of a service in virtual time: its hardware, load, promise, replicas and faults are drawn
from it (`hour`, `faults`). It goes by twice, on the same requests and with the same faults, with
`tuning.mode: Auto` and with `Disabled`. A request is bad when it was late by any objective, shed, lost, or
never answered. Rows are written as they come, and a run that was stopped goes on where it stopped; with
--tell-only it tells what RESULTS.json has.
"""

import argparse
from pathlib import Path
from typing import Any

from benchmarks.adversary.row import Row, rows
from benchmarks.adversary.table import told
from benchmarks.virtual.results import TUNER, gather, measured_on, read

RESULTS = Path(__file__).parent / "results.json"
CONTROLLER = "operator/setpoint/controllers/tuning"


def main() -> None:
    """Run what is missing, write it, and tell it."""
    options = _options()
    found = read(options.results)
    if not options.tell_only:
        have = {each["seed"] for each in found["rows"]}
        seeds = range(options.first_seed, options.first_seed + options.hours)
        found |= measured_on(*TUNER, CONTROLLER)
        wanted = [each for each in seeds if each not in have]
        gather(options.results, found, _seed, wanted, rows, options.processes)
    print(told([_row(each) for each in found["rows"]], options.stories))


def _row(content: dict[str, Any]) -> Row:
    lists = {name: tuple(value) for name, value in content.items() if isinstance(value, list)}
    return Row(**{**content, **lists})


def _seed(row: dict[str, Any]) -> int:
    return int(row["seed"])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.adversary", description=__doc__)
    parser.add_argument("results", type=Path, nargs="?", default=RESULTS)
    parser.add_argument("--hours", type=int, default=1000)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--stories", type=int, default=5, help="of the worst hours, with their changes")
    parser.add_argument("--tell-only", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
