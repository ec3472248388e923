"""Measures the implementations one after another on one API server, and writes results.json beside this file.

Each is a process of its own. After it is synced its connections are cut, objects are deleted and one is
changed, etcd is compacted and the API server restarted, so that it has to list anew; then the connection
comes back.
"""

import asyncio
import json
import os
import platform
import statistics
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.informer.kinds import CONFIG_MAPS, SAMPLES, child, crd, sample
from setpoint.kube.client import KubeClient
from setpoint.kube.objects import Object
from setpoint.loadgen.machine import processor
from tests.apiserver import ApiServer, find_binaries, until
from tests.kube.proxy import Proxy

OBJECTS = 5000
ROUNDS = 3
DELETED = 100
GIVE_UP_SECONDS = 60
SETTLE_SECONDS = 3
IMPLEMENTATIONS = ("official-models", "official-raw", "ours")
NAMESPACE = "default"


async def fill(client: KubeClient) -> None:
    """Create the objects of both kinds."""
    at_once = asyncio.Semaphore(16)

    async def create(number: int) -> None:
        async with at_once:
            owner = await client.create(SAMPLES, NAMESPACE, sample(NAMESPACE, number))
            await client.create(CONFIG_MAPS, NAMESPACE, child(owner))

    await asyncio.gather(*(create(number) for number in range(OBJECTS)))


async def names(client: KubeClient) -> list[str]:
    """The names of all that is there, of both kinds."""
    return sorted([o["metadata"]["name"] for r in (SAMPLES, CONFIG_MAPS) for o in (await client.list(r))[0]])


async def delete(client: KubeClient, first: int) -> None:
    """Delete some children; nobody collects or recreates anything here."""
    for number in range(first, first + DELETED):
        obj = await client.get(CONFIG_MAPS, NAMESPACE, f"sample-{number}-child")
        assert obj is not None
        await client.delete(CONFIG_MAPS, NAMESPACE, obj["metadata"]["name"], uid=obj["metadata"]["uid"])


async def change(client: KubeClient, number: int) -> None:
    """Change one custom object."""
    obj = await client.get(SAMPLES, NAMESPACE, f"sample-{number}")
    assert obj is not None
    spec = obj["spec"] | {"replicas": obj["spec"]["replicas"] + 1}
    await client.replace(SAMPLES, NAMESPACE, obj["metadata"]["name"], obj | {"spec": spec})


async def measure(server: ApiServer, client: KubeClient, implementation: str, turn: int) -> Object:
    """One implementation, from start to the end of the gap."""
    there = await names(client)
    async with Proxy(server.port) as proxy:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.informer.follow", implementation),
            *(str(server.kubeconfig_for(proxy.port)), str(len(there))),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": "operator"},
            limit=2**24,
        )
        try:
            synced = await report(process)
            assert synced.pop("names") == there
            # Let the watches begin before they are cut.
            await change(client, 0)

            async def watches() -> bool:
                return bool((await ask(process))["events"]["MODIFIED"])

            await until(watches)
            before = await ask(process)

            await proxy.cut()
            await delete(client, 4000 + turn * DELETED)
            await change(client, 1)
            server.forget_history()
            now_there = await names(client)
            await proxy.mend()
            began = time.monotonic()
            while True:
                after = await ask(process)
                events = after["events"] - before["events"]
                told = events["DELETED"] >= DELETED and events["MODIFIED"] >= 1
                seconds = time.monotonic() - began
                if (after["names"] == now_there and told) or seconds > GIVE_UP_SECONDS:
                    break
                await asyncio.sleep(0.25)
            # Events that nothing is due for may still be coming.
            await asyncio.sleep(SETTLE_SECONDS)
            after = await ask(process)
            gap = {
                "seconds_until_mended": round(seconds, 1),
                "ghosts": len(set(after["names"]) - set(now_there)),
                "events_not_due": after["events"].total() - before["events"].total() - DELETED - 1,
                "cpu_seconds": round(after["cpu_seconds"] - before["cpu_seconds"], 2),
                "rss_mb": after["rss_mb"],
                "peak_rss_mb": after["peak_rss_mb"],
            }
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
    return {"synced": synced, "gap": gap}


async def report(process: asyncio.subprocess.Process) -> Object:
    """The next line of the measured process."""
    assert process.stdout is not None
    async with asyncio.timeout(300):
        answer: Object = json.loads(await process.stdout.readline())
    return answer | {"events": Counter(answer["events"])}


async def ask(process: asyncio.subprocess.Process) -> Object:
    """Ask the measured process for a line."""
    assert process.stdin is not None
    process.stdin.write(b"\n")
    await process.stdin.drain()
    return await report(process)


def machine() -> Object:
    """Where and with what this was measured."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": processor(),
        "cores": os.cpu_count(),
        "load_1_minute": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "kubernetes_client": version("kubernetes"),
        "aiohttp": version("aiohttp"),
    }


def print_medians(runs: dict[str, list[Object]]) -> None:
    """A table of the median of every figure."""
    print("|".join(["", *IMPLEMENTATIONS, ""]))
    for part, figures in runs["ours"][0].items():
        for figure in figures:
            values = [[run[part][figure] for run in runs[name]] for name in IMPLEMENTATIONS]
            if isinstance(values[0][0], (int, float)):
                print("|".join([f"{part} {figure}", *(str(statistics.median(each)) for each in values)]))


async def main() -> None:
    """Measure everything and write the results."""
    directory = find_binaries()
    assert directory is not None, "build the local cluster first, or set SETPOINT_E2E_BIN"
    results: dict[str, Any] = {"machine": machine(), "objects_of_each_of_two_kinds": OBJECTS}
    with ApiServer(directory) as server:
        await server.install_crd(crd())
        async with server.client() as client:
            await fill(client)
            size = len(json.dumps((await client.get(SAMPLES, NAMESPACE, "sample-1")), separators=(",", ":")))
            results["bytes_an_object"] = size
            runs: dict[str, list[Object]] = {implementation: [] for implementation in IMPLEMENTATIONS}
            for turn, implementation in enumerate(IMPLEMENTATIONS * ROUNDS):
                runs[implementation].append(await measure(server, client, implementation, turn))
    results["runs"] = runs
    print_medians(runs)
    Path(__file__).with_name("results.json").write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
