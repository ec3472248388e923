"""`python -m benchmarks.simulator_http` puts the simulator under its loads, the server on one core and the
clients on another, compares what they see with virtual time, and writes results.json beside this file.
"""

import asyncio
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.simulator_http.clients import Client, Seen
from benchmarks.simulator_http.loads import LOADS, Load, in_virtual_time
from setpoint.loadgen.machine import processor
from setpoint.simulator.record import Quantiles
from setpoint.workload.quantiles import quantile

WARM_UP_SECONDS, WINDOW_SECONDS = 15.0, 60.0
PORT = 18099
LAG = "setpoint_simulator_lag_seconds"
REAL_TIME = ["chrt", "--fifo", "4"] if os.geteuid() == 0 else []
"""What else the machine does is no part of the measurement; where this may not be said, it is."""


@contextmanager
def serving(load: Load) -> Iterator[None]:
    """The simulator on the first core."""
    with load.placed() as (arguments, environment):
        command = ["taskset", "--cpu-list", "0", *REAL_TIME, sys.executable, "-m", "setpoint.simulator.http"]
        command += [*arguments, "--host=127.0.0.1", f"--port={PORT}"]
        process = subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.DEVNULL)
        try:
            while not _answers():
                assert process.poll() is None, "the simulator ended"
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait()


def _answers() -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{PORT}/health") as response:
            return bool(response.status == 200)
    except OSError:
        return False


def scrape() -> dict[str, float]:
    """The simulator's samples, by name and bucket."""
    with urlopen(f"http://127.0.0.1:{PORT}/metrics") as response:
        text = response.read().decode()
    return {
        sample.name + sample.labels.get("le", ""): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@contextmanager
def real_time() -> Iterator[None]:
    """This process on the second core, before all others as the simulator is on the first."""
    os.sched_setaffinity(0, {1})
    if REAL_TIME:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(4))
    yield
    if REAL_TIME:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


async def measure(load: Load) -> dict[str, Any]:
    """Run one load, and return what both sides saw of its window, and what they would have seen."""
    with serving(load), real_time():
        seen = Seen()
        clients = [
            Client(seen, number, load.prompt_tokens, load.output_tokens) for number in range(load.clients)
        ]
        transports = [await connect(client) for client in clients]
        await asyncio.sleep(WARM_UP_SECONDS)
        before, own_before, began = await asyncio.to_thread(scrape), _own_seconds(), time.perf_counter()
        seen.gaps_seconds, seen.first_tokens_seconds, seen.tokens = [], [], 0
        await asyncio.sleep(WINDOW_SECONDS)
        gaps, firsts, tokens = sorted(seen.gaps_seconds), sorted(seen.first_tokens_seconds), seen.tokens
        seconds, own = time.perf_counter() - began, _own_seconds() - own_before
        after = await asyncio.to_thread(scrape)
        errors = seen.errors
        for transport in transports:
            transport.abort()
    grown = {name: value - before.get(name, 0.0) for name, value in after.items()}
    virtual = await in_virtual_time(load, WARM_UP_SECONDS, WARM_UP_SECONDS + WINDOW_SECONDS)
    return {
        "load": load.name,
        "errors": errors,
        "over_http": {
            "tokens_per_second": round(tokens / seconds, 1),
            "itl_ms": _quantiles(gaps),
            "ttft_ms": _quantiles(firsts),
        },
        "in_virtual_time": {
            "tokens_per_second": round(virtual.tok_s, 1),
            "itl_ms": _milliseconds(virtual.itl),
            "ttft_ms": _milliseconds(virtual.ttft),
        },
        "lag_mean_ms": round(1000 * grown[f"{LAG}_sum"] / grown[f"{LAG}_count"], 2),
        "lag_p99_at_most_ms": _bucket_ms(grown, 0.99),
        "given_up_seconds": round(grown["setpoint_simulator_given_up_seconds_total"], 3),
        "server_core_share": round(grown["process_cpu_seconds_total"] / seconds, 3),
        "server_rss_mb": round(after["process_resident_memory_bytes"] / 1e6),
        "clients_core_share": round(own / seconds, 3),
    }


async def connect(client: Client) -> asyncio.Transport:
    """Let a client begin."""
    transport, _ = await asyncio.get_running_loop().create_connection(lambda: client, "127.0.0.1", PORT)
    return transport


def _own_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _quantiles(ordered: list[float]) -> dict[str, float]:
    return _milliseconds(Quantiles(*(quantile(ordered, share) for share in (0.5, 0.95, 0.99))))


def _milliseconds(quantiles: Quantiles | None) -> dict[str, float]:
    return {name: round(1000 * value, 2) for name, value in asdict(quantiles).items()} if quantiles else {}


def _bucket_ms(grown: dict[str, float], share: float) -> float:
    """The upper edge of the bucket of the lag in which a quantile lies."""
    buckets = {
        float(key.removeprefix(f"{LAG}_bucket")): n
        for key, n in grown.items()
        if key.startswith(f"{LAG}_bucket")
    }
    return next(1000 * edge for edge in sorted(buckets) if buckets[edge] >= share * grown[f"{LAG}_count"])


async def run() -> None:
    """Measure all, print and write."""
    rows = [await measure(load) for load in LOADS]
    result = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{processor()}, {os.cpu_count()} cores, {platform.platform()}",
        "load_average": os.getloadavg(),
        "python": platform.python_version(),
        "rows": rows,
    }
    text = json.dumps(result, indent=1)
    Path(__file__).with_name("results.json").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    asyncio.run(run())
