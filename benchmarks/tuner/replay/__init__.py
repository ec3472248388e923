"""Tune on a measured closed-loop table: how near to its best cell do the arms end, and after how many visits?

One evaluation is one visit of a measured cell, with noise; a cell is feasible when its p95s are within the
SLO, and its value is its output tokens a second. Where an arm ends is judged by the table itself. Where no
cell is feasible, `best` is null, and a share is 1 for an arm that ends at the start, 0 for one that ends
elsewhere: that moved for nothing.

A table is what benchmarks/data/ has. A cell that is in it more than once is judged by the medians of its
rows, and a visit is one of them; the noise of the others is that of `benchmarks.tuner.replay.noise`, or of
--noise.
"""

import argparse
import json
import sys

from benchmarks.tuner.replay import report, table, trial
from benchmarks.tuner.replay.arm import Problem
from benchmarks.tuner.replay.arms.registry import HAS_OPTUNA, arms
from benchmarks.tuner.replay.noise import Noise, parse_noise
from benchmarks.tuner.replay.promise import parse_promise
from setpoint.cli.typed import typed

_MOST_SEEDS = 10_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    add = parser.add_argument
    add("--rows", required=True, metavar="FILE.json", type=typed(table.read), help="a closed-loop table")
    add("--slo", required=True, metavar="OBJECTIVES", type=typed(parse_promise),
        help="such as itl.p95=60ms,ttft.p95=1s")  # fmt: skip
    add("--seeds", default=5, metavar="N", type=typed(_seeds), help="how many, from 1 (5)")
    add("--noise", default=Noise(), metavar="NAME=DEVIATION,...", type=typed(parse_noise),
        help="standard deviations of the logarithm of the figures of cells that the table has once, or none "
        f"({Noise()})")  # fmt: skip
    add("--json", action="store_true", help="print JSON, and nothing else")


def run(options: argparse.Namespace) -> int:
    """Run every arm with every seed, and print what they came to; return the exit status."""
    if not HAS_OPTUNA:
        print("Optuna is not installed: its arms are left out (uv sync --group benchmark)", file=sys.stderr)
    rows, promise = options.rows, options.slo
    problem = Problem(rows.cells, promise, rows.load)
    found = {
        name: report.summary(
            [
                trial.run(name, entry, rows, problem, options.noise, seed)
                for seed in range(1, options.seeds + 1)
            ]
        )
        for name, entry in arms(problem).items()
    }
    best = rows.best(promise)
    if options.json:
        print(json.dumps(report.content(best, found)))
    else:
        print(f"Promise {promise}, {options.seeds} seeds, noise {options.noise}.")
        print(report.markdown(best, found))
    return 0


def _seeds(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text) <= _MOST_SEEDS):
        raise ValueError(f"{text!r} is not a whole number from 1 to {_MOST_SEEDS}")
    return int(text)
