"""Our own informer."""

import asyncio
import sys
import time

from benchmarks.informer.follower import Follower
from benchmarks.informer.kinds import CONFIG_MAPS, SAMPLES
from setpoint.kube.client import KubeClient
from setpoint.kube.informer import Informer
from setpoint.kube.objects import Object

LOOKUPS = 1000


async def follow(kubeconfig: str) -> None:
    """Follow both kinds until killed."""
    follower = Follower()

    def hear(old: Object | None, new: Object | None) -> None:
        follower.events["ADDED" if old is None else "DELETED" if new is None else "MODIFIED"] += 1

    async with KubeClient.from_kubeconfig(kubeconfig) as client, asyncio.TaskGroup() as tasks:
        informers = [Informer(client, resource, on_change=hear) for resource in (SAMPLES, CONFIG_MAPS)]
        for informer in informers:
            tasks.create_task(informer.run())
        for informer in informers:
            await informer.synced.wait()
        samples, children = (informer.store for informer in informers)

        def names() -> list[str]:
            return [name for store in (samples, children) for _, name in list(store.keys())]

        found = [samples.get(*key) for key in list(samples.keys())[:LOOKUPS]]
        uids = [obj["metadata"]["uid"] for obj in found if obj]
        began = time.perf_counter()
        assert all(len(children.owned_by(uid)) == 1 for uid in uids)
        follower.report(names(), (time.perf_counter() - began) / LOOKUPS)
        while await asyncio.to_thread(sys.stdin.readline):
            follower.report(names())
