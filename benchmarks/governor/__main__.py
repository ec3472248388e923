"""Compare budgets chosen for each step with fixed ones, on simulated engines in virtual time.

    python -m benchmarks.governor [RESULTS.json] [--seeds 5] [--tell-only]

Runs are written as they come, and a comparison that was stopped goes on where it stopped. With --tell-only it
tells what RESULTS.json has, leaving out cases of which it lacks a run.
"""

import argparse
import time
from pathlib import Path

from benchmarks.governor.plan import LAUNCH_LAYER_SECONDS, Comparison, Finding, cases
from benchmarks.governor.rows import MissingError, Runs
from benchmarks.governor.table import bad, summary, sustained
from benchmarks.governor.trial import PROMISES, run
from benchmarks.virtual.results import measured_on

RESULTS = Path(__file__).parent / "results.json"


def main() -> None:
    """Run what is missing, write it, and tell it."""
    options = _options()
    if not options.tell_only:
        _run(options.results, options.seeds)
    _tell(options.results, options.seeds)


def _run(results: Path, seeds: int) -> None:
    """Make what is missing, all of one seed before the next, so that an early end leaves whole seeds."""
    runs = Runs(results, run)
    runs.head |= measured_on("operator/setpoint/simulator", "benchmarks/governor")
    comparison, began = Comparison(runs.measure), time.monotonic()
    for up_to in range(1, seeds + 1):
        for case, on in cases(up_to):
            if on == up_to:
                comparison.find(case, up_to)
                print(
                    f"seed {up_to}, {case}: {runs.number} runs, {time.monotonic() - began:.0f} s", flush=True
                )
        runs.write()


def _tell(results: Path, seeds: int) -> None:
    comparison = Comparison(Runs(results, None).measure)
    findings: list[Finding] = []
    for case, on in cases(seeds):
        try:
            findings.append(comparison.find(case, on))
        except MissingError as missing:
            print(f"left out {case}: {missing} was not run")
    of_built_in = [each for each in findings if each.case.launch_layer_seconds == LAUNCH_LAYER_SECONDS]
    print(
        summary(of_built_in, lambda _: "all"),
        summary(of_built_in, lambda each: f"{1e3 * PROMISES[each.case.promise].itl_seconds:.0f} ms"),
        summary(of_built_in, lambda each: each.case.load),
        summary(_like_others(findings), lambda each: f"launch {1e3 * each.case.launch_layer_seconds:.1f} ms"),
        sustained(findings),
        bad(findings),
        sep="\n\n",
    )


def _like_others(findings: list[Finding]) -> list[Finding]:
    """Return the cases that were run for every launch time."""
    others = {
        (each.case.load, each.case.promise)
        for each in findings
        if each.case.launch_layer_seconds != LAUNCH_LAYER_SECONDS
    }
    return [each for each in findings if (each.case.load, each.case.promise) in others]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.governor", description=__doc__)
    parser.add_argument("results", type=Path, nargs="?", default=RESULTS)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--tell-only", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
