"""`setpoint tune` on the H100: the default limits alone for a while, and then with the tuner beside the load.

    python -m benchmarks.h100.tune SECONDS FOLDER     of the part with the tuner; the server must be up

The load is the open-loop chat of the plan, 44 requests a second, under a promise that the default breaks. The
folder gets rows.jsonl (a line for each part: its report, the same of its last minute, and the latencies at
the client in bins of five seconds), limits.jsonl (what /metrics says is in force, once a second) and
tune.jsonl (what the tuner says). The limits are those of the start again afterwards.
"""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from benchmarks.h100 import exposition, limits, machine, server
from benchmarks.h100.loads import CHAT, Loads, between, gaps, loads, quantile
from setpoint.loadgen.measure import Held, measure
from setpoint.loadgen.plan import OpenPlan
from setpoint.loadgen.report import OpenLoop
from setpoint.workload.arrivals import parse_arrivals
from setpoint.workload.objectives import parse_slo

RATE_PER_SECOND = 44.0
SLO = "itl.p95=30ms,ttft.p95=1s"
ALONE_SECONDS = 40.0
WARM_UP_SECONDS, LAST_SECONDS, BIN_SECONDS = 10.0, 60.0, 5.0
_GAUGES = ("num_requests_running", "num_requests_waiting")
_END_SECONDS = 15.0


def main() -> None:
    """Hold both parts and write what came of them."""
    seconds, folder = float(sys.argv[1]), Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    limits.put_in_force(server.URL, server.LIMITS_FILE, {})
    with loads() as ready, (folder / "rows.jsonl").open("a") as rows, sampled(folder / "limits.jsonl"):
        try:
            _part(ready, "alone", ALONE_SECONDS, rows)
            with tuner(folder / "tune.jsonl", SLO):
                _part(ready, "tuned", seconds, rows)
        finally:
            limits.put_in_force(server.URL, server.LIMITS_FILE, {})


def bins(held: Held, seconds: float = BIN_SECONDS) -> list[dict[str, Any]]:
    """Return the p95 of the latencies at the client in each bin: gaps by their end, first tokens likewise."""
    moments, lengths = gaps(held.records)
    first = sorted(
        (each.first, each.first - each.scheduled) for each in held.records if each.first is not None
    )
    firsts, waits = [moment for moment, _ in first], [wait for _, wait in first]
    found = []
    for number in range(int(held.end // seconds)):
        begin = number * seconds
        inside = {
            "itl_p95": between(moments, lengths, begin, begin + seconds),
            "ttft_p95": between(firsts, waits, begin, begin + seconds),
        }
        figures = {name: quantile(values, 0.95) if values else None for name, values in inside.items()}
        found.append({"begin": begin, "tokens": len(inside["itl_p95"]), **figures})
    return found


def _part(ready: Loads, name: str, seconds: float, rows: IO[str]) -> None:
    load = OpenLoop(rate_per_second=RATE_PER_SECOND, arrivals="poisson")
    plan = OpenPlan(parse_arrivals("poisson"), RATE_PER_SECOND, seconds, CHAT, f"1/{RATE_PER_SECOND:g}")
    slo = parse_slo(SLO)
    held = ready.hold(load, plan, seconds, slo)
    last = max(WARM_UP_SECONDS, seconds - LAST_SECONDS)
    row: dict[str, Any] = {
        "part": name,
        "channel": limits.CHANNEL,
        "slo": SLO,
        "began": time.time() - (time.monotonic() - ready.began),
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **machine.description(),
        **machine.gpu(),
        "stage": measure(held, slo, WARM_UP_SECONDS).model_dump(),
        "last": measure(held, slo, last).model_dump(),
        "bins": bins(held),
    }
    rows.write(json.dumps(row) + "\n")
    rows.flush()
    for window in ("stage", "last"):
        print(name, window, _p95(row[window]), flush=True)


def _p95(stage: dict[str, Any]) -> dict[str, Any]:
    return {name: (stage[name] or {}).get("p95") for name in ("ttft", "itl")} | {"unmet": stage["unmet"]}


@contextmanager
def tuner(log: Path, slo: str) -> Iterator[None]:
    """Have the tuner hold the promise; what it says comes into `log`, and for people into tune.txt beside."""
    command = [sys.executable, "-m", "setpoint", *arguments(log, slo)]
    with log.with_name("tune.txt").open("a") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said)
    try:
        yield
        if process.poll() is not None:
            print(f"the tuner ended by itself with status {process.returncode}: see tune.txt", flush=True)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


def arguments(log: Path, slo: str) -> Sequence[str]:
    """Return the tuner's command line."""
    return (
        "tune",
        "--metrics-url", f"{server.URL}/metrics",
        "--limits-file", str(server.LIMITS_FILE),
        "--slo", slo,
        "--mode", "Auto",
        "--interval", "5s",
        "--json-log", str(log),
    )  # fmt: skip


@contextmanager
def sampled(path: Path) -> Iterator[None]:
    """Write what /metrics says is in force, once a second."""
    over = threading.Event()

    def sample() -> None:
        with path.open("a") as file:
            while not over.wait(1.0):
                try:
                    samples = exposition.read(server.URL)
                except OSError as error:
                    file.write(json.dumps({"at": time.time(), "error": str(error)}) + "\n")
                    continue
                found = exposition.in_force(samples)
                told = {"at": time.time(), "generation": found.generation, "in_force": found.ranks}
                file.write(json.dumps(told | exposition.totals(samples, _GAUGES)) + "\n")

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


if __name__ == "__main__":
    main()
