"""Services with promises on a real API server, and pods that nothing runs."""

import asyncio
from collections.abc import Callable, Iterable

from benchmarks.tuner_scale.engines import ITL_SECONDS, TTFT_SECONDS
from setpoint.controllers.inferenceservice.observe import WATCHED
from setpoint.kube.client import KubeClient
from setpoint.kube.informer import Informer
from setpoint.kube.objects import Object
from setpoint.kube.resources import DEPLOYMENTS, INFERENCE_SERVICES, PODS
from setpoint.orchestrations.live_limits import ANNOTATION
from setpoint_vllm.limits_file import LimitsFile, parse
from tests.apiserver import NAMESPACES
from tests.controllers.inferenceservice.users import NAME, pod_is_routable, service

SLO = {
    "objectives": [
        {
            "name": "between-tokens",
            "metric": "InterTokenLatency",
            "threshold": f"{1000 * ITL_SECONDS:g}ms",
        },
        {"name": "first-token", "metric": "TimeToFirstToken", "threshold": f"{TTFT_SECONDS:g}s"},
    ]
}
MODES = ("Auto",) * 6 + ("Recommend",) * 3 + ("Disabled",)
_PREFIX = "team-"
_AT_ONCE = 8


def namespace(number: int) -> str:
    """Return the namespace of a service; the services all have one name."""
    return f"{_PREFIX}{number}"


async def create_services(kube: KubeClient, count: int) -> None:
    """Create the namespaces, and a service in each."""

    async def create(number: int) -> None:
        name = namespace(number)
        await kube.create(
            NAMESPACES, None, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        )
        mode = MODES[number % len(MODES)]
        await kube.create(INFERENCE_SERVICES, name, service(name, slo=SLO, tuning={"mode": mode}))

    await _each(create, range(count))


async def run_pods(kube: KubeClient, count: int) -> None:
    """Do for each Deployment, once it is there, what the rest of a cluster would."""
    done: set[str] = set()
    while len(done) < count:
        found, _ = await kube.list(DEPLOYMENTS)
        new = {each["metadata"]["namespace"] for each in found} - done

        async def run(name: str) -> None:
            await pod_is_routable(kube, name)

        await _each(run, sorted(new))
        done |= new
        await asyncio.sleep(1)


async def conditions(kube: KubeClient, kind: str) -> dict[str, int]:
    """Return how many services have each status of a condition."""
    found, _ = await kube.list(INFERENCE_SERVICES)
    counts: dict[str, int] = {}
    for each in found:
        of_kind = [c for c in each.get("status", {}).get("conditions", ()) if c["type"] == kind]
        text = f"{of_kind[0]['status']} {of_kind[0]['reason']}" if of_kind else "none"
        counts[text] = counts.get(text, 0) + 1
    return counts


def follow_limits(kube: KubeClient, told: dict[int, LimitsFile]) -> Informer:
    """Return the informer, still to be run, that keeps what each pod was told."""

    def changed(_: Object | None, new: Object | None) -> None:
        if new is None or new["metadata"]["name"] != f"{NAME}-1":
            return
        text = new["metadata"].get("annotations", {}).get(ANNOTATION)
        if text:
            told[int(new["metadata"]["namespace"].removeprefix(_PREFIX))] = parse(text)

    return Informer(kube, PODS, watched=WATCHED[PODS], on_change=changed)


async def _each(do: Callable, items: Iterable) -> None:  # type: ignore[type-arg]
    at_once = asyncio.Semaphore(_AT_ONCE)

    async def one(item: object) -> None:
        async with at_once:
            await do(item)

    await asyncio.gather(*map(one, items))
