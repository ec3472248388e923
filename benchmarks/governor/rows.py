"""Runs kept in a file, so that none is made twice and everything told follows from what is kept."""

import json
import time
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path
from typing import Any

from benchmarks.governor.trial import Arm, Outcome, Trial

WRITE_EVERY_SECONDS = 5.0
Key = tuple[str, float, Arm, int]


class MissingError(LookupError):
    """A run that was not made."""


class Runs:
    """What every run came to, by load, launch time, arm and seed, and by rate."""

    def __init__(self, path: Path, run: Callable[[Trial], Outcome] | None) -> None:
        """`run` makes what is missing; without it, what is missing raises MissingError."""
        self._path = path
        self._run = run
        self._written = time.monotonic()
        content = json.loads(path.read_text()) if path.exists() else {"rows": []}
        self.head: dict[str, Any] = {name: value for name, value in content.items() if name != "rows"}
        self._rows: dict[Key, dict[float, Outcome]] = {
            (row["load"], row["launch_layer_seconds"], Arm(*row["arm"]), row["seed"]): {
                rate: Outcome(itl, ttft, share, offered, tuple(bad))
                for rate, itl, ttft, share, offered, bad in row["runs"]
            }
            for row in content["rows"]
        }

    @property
    def number(self) -> int:
        """How many there are."""
        return sum(map(len, self._rows.values()))

    def measure(self, trial: Trial) -> Outcome:
        """Return what a run came to, and make it if need be."""
        rate = round(trial.rate_per_second, 4)
        of = self._rows.setdefault((trial.load, trial.launch_layer_seconds, trial.arm, trial.seed), {})
        if rate not in of:
            if self._run is None:
                raise MissingError(str(trial))
            of[rate] = _rounded(self._run(trial._replace(rate_per_second=rate)))
            if time.monotonic() > self._written + WRITE_EVERY_SECONDS:
                self.write()
        return of[rate]

    def write(self) -> None:
        """Write one arm's runs on each line."""
        head = "".join(f" {json.dumps(name)}: {json.dumps(value)},\n" for name, value in self.head.items())
        lines = ",\n".join(f"  {json.dumps(_row(*each))}" for each in sorted(self._rows.items()) if each[1])
        partial = self._path.with_suffix(".partial")
        partial.write_text(f'{{\n{head} "rows": [\n{lines}\n ]\n}}\n')
        partial.replace(self._path)
        self._written = time.monotonic()


def _row(key: Key, runs: dict[float, Outcome]) -> dict[str, Any]:
    load, launch, arm, seed = key
    kept = [[rate, *astuple(outcome)] for rate, outcome in sorted(runs.items())]
    return {"load": load, "launch_layer_seconds": launch, "arm": arm, "seed": seed, "runs": kept}


def _rounded(outcome: Outcome) -> Outcome:
    """Microseconds are enough, and short to write."""
    itl, ttft, share = outcome.itl_p95_seconds, outcome.ttft_p95_seconds, outcome.completed_share
    return Outcome(round(itl, 6), round(min(ttft, 1e6), 6), round(share, 5), outcome.offered, outcome.bad)
