"""Runs the tests in tiers: what needs nothing first, while the cluster's programs are built beside it.

`python -m e2e.suite` is `make test`; `--quick` is `make check`. It closes with a table of the tiers, what
became of each, and how long it took; a tier that did not run is named with the reason.
"""

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from e2e import images
from e2e.clusters import Cluster, ClusterError, choose, leaks, packages
from e2e.clusters.local import binaries
from e2e.clusters.progress import say
from e2e.clusters.signals import unwind_when_told_to_end
from e2e.images import older_vllm
from e2e.prometheus import crds
from e2e.prometheus.image import image as prometheus

ROOT = Path(__file__).parents[1]
PROGRAMS = Path(sys.executable).parent


@dataclass(frozen=True)
class Tier:
    """Some commands that stand or fall together."""

    name: str
    commands: tuple[tuple[str, ...], ...]
    quick: bool = False
    """Part of the inner loop: needs no cluster and nothing built."""
    needs: tuple[str, ...] = ()
    """What must be built, by its name in BUILDS."""
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
    Tier(
        "unit",
        (_pytest("tests", "-m", "not apiserver and not browser and not prometheus and not watched"),),
        quick=True,
    ),
    Tier("watched", (_pytest("tests", "-m", "watched"),)),
    Tier("browser", (_pytest("tests", "-m", "browser"),), needs=("Chromium",)),
    Tier("Prometheus", (_pytest("tests", "-m", "prometheus"),), needs=("Prometheus",)),
    Tier(
        "API server",
        (_pytest("tests", "-m", "apiserver"),),
        needs=("programs", "the Prometheus Operator's CRDs"),
    ),
    Tier(
        "local cluster",
        (_pytest("e2e/clusters", "-m", "local_cluster"),),
        needs=("programs",),
        only_local=True,
    ),
    Tier(
        "end to end",
        (_pytest("e2e/scenarios", "-m", "e2e and not vllm_cpu"),),
        needs=("images", "Prometheus"),
        cluster=True,
    ),
    Tier(
        "real vLLM",
        (_pytest("e2e/scenarios", "-m", "vllm_cpu"),),
        needs=("images", "vLLM's image", "older vLLM"),
        cluster=True,
    ),
)
BUILD = Tier("build", ())
"""What the later tiers run, made beside the quick tiers."""
BUILDS: Mapping[str, Callable[[], object]] = {
    "Chromium": lambda: packages.ensure({"chromium": "chromium"}),
    "programs": binaries.ensure,
    "Prometheus": prometheus,
    "the Prometheus Operator's CRDs": crds.ensure,
    "images": lambda: (images.operator(), images.stand_in()),
    "vLLM's image": images.vllm_cpu,
    "older vLLM": older_vllm.ensure_all,
}
CLUSTER = Tier("cluster up", ())
LEAKS = Tier("nothing left", ())
"""The machine before all builds and clusters, and after them."""
REQUIRED_TIERS = "apiserver,browser,e2e,local_cluster,prometheus,vllm_cpu"
"""The markers of what must not be skipped here for want of something built."""
END_SECONDS = 10.0
"""What an interrupted command may take to end what it started, before it is killed."""


@dataclass(frozen=True)
class Result:
    """What became of a tier."""

    tier: Tier
    outcome: str
    seconds: float


class Background:
    """The builds, one after another beside the quick tiers; one that fails keeps no other from running."""

    def __init__(self) -> None:
        self._failed: dict[str, str] = {}
        self._seconds = 0.0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        started = time.monotonic()
        for name, build in BUILDS.items():
            try:
                build()
            except Exception as error:
                self._failed[name] = str(error) or repr(error)
        self._seconds = time.monotonic() - started

    def wait(self) -> tuple[Result, frozenset[str]]:
        """Wait for the end; the result, and the names of what could not be built."""
        self._thread.join()
        for name, error in self._failed.items():
            say(f"build of {name}: {error}")
        outcome = f"FAILED: {', '.join(self._failed)}" if self._failed else "passed"
        return Result(BUILD, outcome, self._seconds), frozenset(self._failed)


def run(tier: Tier) -> Result:
    """Run a tier's commands in order, up to the first that fails."""
    say(f"\n=== {tier.name}")
    started = time.monotonic()
    for command in tier.commands:
        if _call(command) != 0:
            return Result(
                tier,
                f"FAILED: {' '.join(command[1:] if command[0] == sys.executable else command)}",
                time.monotonic() - started,
            )
    return Result(tier, "passed", time.monotonic() - started)


def _call(command: tuple[str, ...]) -> int:
    """Run a command; its exit status. When we are told to end, so is all that it started."""
    # A tier that finds nothing to run with is a failure here, never a silent skip.
    environment = os.environ | {"SETPOINT_REQUIRE_TIERS": REQUIRED_TIERS}
    # In a process group of its own a Ctrl-C of the terminal does not reach it twice.
    process = subprocess.Popen(command, cwd=ROOT, env=environment, process_group=0)
    try:
        return process.wait()
    except BaseException:
        os.killpg(process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(END_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise


@contextmanager
def taken_down(cluster: Cluster) -> Iterator[None]:
    """At the end the cluster is down, whoever brought it up and whatever the end is."""
    try:
        yield
    finally:
        cluster.down()


def run_all(cluster: Cluster) -> list[Result]:
    """Run every tier; a tier that fails does not keep the later ones from telling what they know.

    What a run that was killed has left is taken away first, so that it is not taken for this run's. Raises
    ClusterError at once when there can be no cluster, or when one is up that these tests would take away.
    """
    cluster.check()
    cluster.clear_remains()
    if cluster.name != "existing" and cluster.is_up():
        raise ClusterError(
            f"a {cluster.name} cluster is up (of `make demo`?): end it with `make clean` first"
        )
    machine = Machine() if cluster.name == "local" else None
    build = Background()
    results = [run(tier) for tier in TIERS if tier.quick]
    built, missing = build.wait()
    results.append(built)
    with taken_down(cluster):
        results += [
            _run_if_possible(tier, cluster, missing) for tier in TIERS if not tier.quick and not tier.cluster
        ]
        try:
            cluster.up()
        except ClusterError as error:
            say(f"setpoint: {error}")
            results.append(Result(CLUSTER, "FAILED: it did not come up", 0))
            results += [Result(tier, "not run: no cluster", 0) for tier in TIERS if tier.cluster]
        else:
            results += [_run_if_possible(tier, cluster, missing) for tier in TIERS if tier.cluster]
    results.append(
        machine.left_behind() if machine else Result(LEAKS, "not run: the cluster is not local", 0)
    )
    return results


def _run_if_possible(tier: Tier, cluster: Cluster, missing: frozenset[str]) -> Result:
    if tier.only_local and cluster.name != "local":
        return Result(tier, f"not run: the cluster is {cluster.name}", 0)
    lacking = [name for name in tier.needs if name in missing]
    if lacking:
        return Result(tier, f"not run: build failed ({', '.join(lacking)})", 0)
    return run(tier)


class Machine:
    """The machine as it was before anything was built, and before there was a cluster."""

    def __init__(self) -> None:
        packages.ensure({"ip": "iproute2"})  # with which a snapshot looks at interfaces and routes
        self._packages = _installed_packages()
        self._before = leaks.snapshot()

    def left_behind(self) -> Result:
        """Whether all builds and clusters together left the machine as it was.

        Distribution packages that were installed meanwhile stay, and with them their files.
        """
        started = time.monotonic()
        differences = leaks.compare(self._before, leaks.snapshot())
        if _installed_packages() != self._packages:
            say("packages were installed: new files are not looked at in this run")
            differences = [line for line in differences if not line.startswith("files: +")]
        for difference in differences:
            say(f"left behind: {difference}")
        outcome = f"FAILED: {len(differences)} differences" if differences else "passed"
        return Result(LEAKS, outcome, time.monotonic() - started)


def _installed_packages() -> bytes:
    """What the package manager knows to be installed; nothing where it is not dpkg."""
    known = Path("/var/lib/dpkg/status")
    return known.read_bytes() if known.is_file() else b""


def main() -> int:
    """Run the suite; the exit code is 0 when every tier passed or had no part in this cluster."""
    parser = argparse.ArgumentParser(prog="python -m e2e.suite", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only what needs no cluster and nothing built")
    arguments = parser.parse_args()
    unwind_when_told_to_end()
    started = time.monotonic()
    if arguments.quick:
        results = [run(tier) for tier in TIERS if tier.quick]
        results += [
            Result(tier, "not run: make test runs it", 0) for tier in (BUILD, *TIERS, LEAKS) if not tier.quick
        ]
    else:
        try:
            cluster = choose(os.environ.get("SETPOINT_CLUSTER") or None)
            results = run_all(cluster)
        except ClusterError as error:
            say(f"setpoint: {error}")
            return 2
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
