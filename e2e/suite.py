"""Runs the tests in tiers: what needs nothing first, while the cluster's programs are built beside it.

`python -m e2e.suite` is `make test`; `--quick` is `make check`. It closes with a table of the tiers, what
became of each, and how long it took; a tier that did not run is named with the reason.
"""

import argparse
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from e2e import images
from e2e.clusters import Cluster, ClusterError, choose, leaks
from e2e.clusters.local import binaries
from e2e.clusters.progress import say

ROOT = Path(__file__).parents[1]
PROGRAMS = Path(sys.executable).parent


@dataclass(frozen=True)
class Tier:
    """Some commands that stand or fall together."""

    name: str
    commands: tuple[tuple[str, ...], ...]
    quick: bool = False
    """Part of the inner loop: needs no cluster and nothing built."""
    cluster: bool = False
    """Runs in the suite's cluster."""
    only_local: bool = False
    """Is about the local provider itself."""


def _pytest(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "pytest", "-q", *arguments)


TIERS = (
    Tier(
        "static",
        (
            (str(PROGRAMS / "ruff"), "check", "--quiet", "."),
            (str(PROGRAMS / "ruff"), "format", "--check", "--quiet", "."),
            (str(PROGRAMS / "lint-imports"),),
            (str(PROGRAMS / "mypy"),),
            (sys.executable, "-m", "e2e.generated", "--check"),
        ),
        quick=True,
    ),
    Tier("unit", (_pytest("tests", "-m", "not apiserver"),), quick=True),
    Tier("API server", (_pytest("tests", "-m", "apiserver"),)),
    Tier("local cluster", (_pytest("e2e/clusters", "-m", "local_cluster"),), only_local=True),
    Tier("end to end", (_pytest("e2e/scenarios", "-m", "e2e and not vllm_cpu"),), cluster=True),
    Tier("real vLLM", (_pytest("e2e/scenarios", "-m", "vllm_cpu"),), cluster=True),
)
LEAKS = Tier("nothing left", ())
"""The machine before the clusters and after them."""


@dataclass(frozen=True)
class Result:
    """What became of a tier."""

    tier: Tier
    outcome: str
    seconds: float


class Background:
    """Work that goes on beside the quick tiers."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._work()
        except Exception as error:
            self._error = error

    def wait(self) -> None:
        """Wait for the end; raise what went wrong."""
        self._thread.join()
        if self._error is not None:
            raise self._error


def prepare() -> None:
    """Build what the later tiers run."""
    binaries.ensure()
    images.operator()
    images.stand_in()
    images.vllm_cpu()


def run(tier: Tier) -> Result:
    """Run a tier's commands in order, up to the first that fails."""
    say(f"\n=== {tier.name}")
    started = time.monotonic()
    # A tier that finds nothing to run with is a failure here, never a silent skip.
    environment = os.environ | {"SETPOINT_REQUIRE_TIERS": "apiserver,local_cluster,e2e,vllm_cpu"}
    for command in tier.commands:
        code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        if code != 0:
            return Result(
                tier,
                f"FAILED: {' '.join(command[1:] if command[0] == sys.executable else command)}",
                time.monotonic() - started,
            )
    return Result(tier, "passed", time.monotonic() - started)


@contextmanager
def running(cluster: Cluster) -> Iterator[None]:
    """The cluster, up; down again at the end, whatever that is."""
    try:
        cluster.up()
        yield
    finally:
        cluster.down()


def run_all(cluster: Cluster) -> list[Result]:
    """Run every tier; a tier that fails does not keep the later ones from telling what they know.

    Raises ClusterError at once when there can be no cluster, or when one is up that these tests would take
    away.
    """
    cluster.check()
    if cluster.name != "existing" and cluster.is_up():
        raise ClusterError(
            f"a {cluster.name} cluster is up (of `make demo`?): end it with `make clean` first"
        )
    build = Background(prepare)
    results = [run(tier) for tier in TIERS if tier.quick]
    build.wait()
    before = leaks.snapshot() if cluster.name == "local" else None
    for tier in TIERS:
        if tier.quick or tier.cluster:
            continue
        if tier.only_local and cluster.name != "local":
            results.append(Result(tier, f"not run: the cluster is {cluster.name}", 0))
        else:
            results.append(run(tier))
    with running(cluster):
        results += [run(tier) for tier in TIERS if tier.cluster]
    results.append(_left_behind(before))
    return results


def _left_behind(before: leaks.Snapshot | None) -> Result:
    """Whether the clusters of all tiers together left the machine as it was."""
    started = time.monotonic()
    if before is None:
        return Result(LEAKS, "not run: the cluster is not local", 0)
    differences = leaks.compare(before, leaks.snapshot())
    for difference in differences:
        say(f"left behind: {difference}")
    outcome = f"FAILED: {len(differences)} differences" if differences else "passed"
    return Result(LEAKS, outcome, time.monotonic() - started)


def main() -> int:
    """Run the suite; the exit code is 0 when every tier passed or had no part in this cluster."""
    parser = argparse.ArgumentParser(prog="python -m e2e.suite", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only what needs no cluster and nothing built")
    arguments = parser.parse_args()
    started = time.monotonic()
    if arguments.quick:
        results = [run(tier) for tier in TIERS if tier.quick]
        results += [
            Result(tier, "not run: make test runs it", 0) for tier in (*TIERS, LEAKS) if not tier.quick
        ]
    else:
        try:
            cluster = choose(os.environ.get("SETPOINT_CLUSTER"))
            results = run_all(cluster)
        except ClusterError as error:
            say(f"setpoint: {error}")
            return 2
        except KeyboardInterrupt:
            say("\nsetpoint: stopped before the end; what was started is ended")
            return 130
    say(f"\n{'tier':15} {'time':>7}  outcome")
    for result in results:
        say(f"{result.tier.name:15} {result.seconds:5.0f} s  {result.outcome}")
    failed = sum(result.outcome.startswith("FAILED") for result in results)
    say(f"{'whole suite':15} {time.monotonic() - started:5.0f} s  {'FAILED' if failed else 'passed'}")
    passed = sum(result.outcome == "passed" for result in results)
    print(f"tiers: {passed} passed, {failed} failed, {len(results) - passed - failed} skipped", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
