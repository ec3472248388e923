"""Fills a cluster, runs the operator, and writes what each phase cost into results.json beside this file."""

import asyncio
import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.tuner_scale.cluster import conditions, create_services, follow_limits, run_pods
from benchmarks.tuner_scale.engines import Engines
from benchmarks.tuner_scale.figures import figures
from benchmarks.tuner_scale.prometheus import SCRAPE_SECONDS, answer_bytes, asked, prometheus
from setpoint.api.crd import crds
from setpoint.kube.client import KubeClient
from setpoint.kube.objects import Object
from setpoint.loadgen.machine import processor
from setpoint.settings import Settings
from tests.apiserver import ApiServer, find_binaries, until

SERVICES, MINUTES = 1000, 10.0
BROKEN_SHARE = 0.05
FILL_SECONDS = 1800.0


class Operator:
    """The measured process, and the lines that it has printed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.lines: list[Object] = []

    async def read(self) -> None:
        """Take its lines until it ends."""
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            self.lines.append(json.loads(line))

    async def phase(self, seconds: float, prometheus_url: str) -> Object:
        """Return what so many seconds cost, in whole cycles; the first begins now."""
        first, before = len(self.lines), await asyncio.to_thread(asked, prometheus_url)
        await asyncio.sleep(seconds)
        await self._next_cycle()
        after = await asyncio.to_thread(asked, prometheus_url)
        return figures(self.lines[first:], after[0] - before[0], after[1] - before[1])

    async def _next_cycle(self) -> None:
        count = len(self.lines)
        await until(lambda: len(self.lines) > count, 300)


@asynccontextmanager
async def operator(kubeconfig: Path, prometheus_url: str, log: Path) -> AsyncIterator[Operator]:
    """Run one until the end of the context."""
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *("setpriv", "--pdeathsig", "KILL", "--"),
            *(sys.executable, "-m", "benchmarks.tuner_scale.operator", prometheus_url),
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            env=os.environ | {"PYTHONPATH": "operator", "KUBECONFIG": str(kubeconfig)},
        )
    running = Operator(process)
    reading = asyncio.create_task(running.read())
    try:
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading


async def measure(server: ApiServer, folder: Path, services: int, minutes: float) -> Object:
    """Return the figures of every phase."""
    for definition in crds():
        await server.install_crd(definition)
    broken = max(round(services * BROKEN_SHARE), 1)
    engines, ready = Engines(services, broken), asyncio.Event()
    log = folder / "operator.log"
    async with server.client() as kube, asyncio.TaskGroup() as tasks:
        beside = [tasks.create_task(engines.run(ready))]
        await ready.wait()
        informer = follow_limits(kube, engines.told)
        beside.append(tasks.create_task(informer.run()))
        with prometheus(folder, _free_port(), engines.port, services) as url:
            say(f"{services} services")
            await create_services(kube, services)
            async with operator(server.kubeconfig, url, log):
                await run_pods(kube, services)
                say("pods are there")
                await until(lambda: _is_kept(kube, services), FILL_SECONDS)
            say(f"all is quiet: {await conditions(kube, 'SLOMet')}")
            phases = {}
            async with operator(server.kubeconfig, url, log) as measured:
                phases["restart"] = await measured.phase(30 * minutes, url)
                say(json.dumps(phases["restart"]))
                phases["kept"] = await measured.phase(60 * minutes, url)
                phases["kept"]["slo_met"] = await conditions(kube, "SLOMet")
                say(json.dumps(phases["kept"]))
                engines.overload()
                phases["broken"] = await measured.phase(60 * minutes, url)
                phases["broken"]["slo_met"] = await conditions(kube, "SLOMet")
                phases["broken"]["tuning"] = await conditions(kube, "Tuning")
                say(json.dumps(phases["broken"]))
            size = await asyncio.to_thread(answer_bytes, url)
            say(f"operator's log: {log.read_text()[-2000:]}")
        for each in beside:
            each.cancel()
    return {"json_bytes_a_cycle": size, "phases": phases}


async def _is_kept(kube: KubeClient, services: int) -> bool:
    await asyncio.sleep(5)
    met = await conditions(kube, "SLOMet")
    say(f"SLOMet: {met}")
    return met.get("True Met", 0) == services


def say(text: str) -> None:
    """Print a line with its time."""
    print(time.strftime("%H:%M:%S"), text, flush=True)


def machine() -> Object:
    """Where and with what this was measured."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit,
        "cpu": processor(),
        "cores": os.cpu_count(),
        "load_1_minute": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
    }


async def main() -> None:
    """Measure, and write the results."""
    services = int(sys.argv[1]) if len(sys.argv) > 1 else SERVICES
    minutes = float(sys.argv[2]) if len(sys.argv) > 2 else MINUTES
    directory = find_binaries()
    assert directory is not None, "build the local cluster first, or set SETPOINT_E2E_BIN"
    results = {
        "machine": machine(),
        "services": services,
        "interval_seconds": Settings().tuning.interval_seconds,
        "scrape_interval_seconds": SCRAPE_SECONDS,
    }
    with (
        tempfile.TemporaryDirectory(prefix="setpoint-tuner-scale-") as folder,
        ApiServer(directory) as server,
    ):
        results |= await measure(server, Path(folder), services, minutes)
    text = json.dumps(results, indent=2)
    print(text)
    Path(__file__).with_name("results.json").write_text(text + "\n")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


if __name__ == "__main__":
    asyncio.run(main())
