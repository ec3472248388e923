"""Against a real API server, with a lease of two seconds."""

import asyncio
from contextlib import suppress

import pytest

from setpoint.kube.client import KubeClient
from setpoint.kube.election import Elector, LeadershipLost
from setpoint.kube.objects import Object
from setpoint.kube.resources import LEASES
from tests.apiserver import ApiServer, until
from tests.kube.builders import present
from tests.kube.proxy import Proxy

pytestmark = pytest.mark.apiserver


def candidate(client: KubeClient, namespace: str, identity: str) -> Elector:
    return Elector(
        client,
        namespace=namespace,
        name="setpoint",
        identity=identity,
        lease_duration_seconds=2,
        renew_deadline_seconds=1.2,
        retry_period_seconds=0.2,
    )


async def lease_spec(client: KubeClient, namespace: str) -> Object:
    spec: Object = present(await client.get(LEASES, namespace, "setpoint"))["spec"]
    return spec


async def end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_one_of_two_leads_and_a_released_lease_passes_on_at_once(
    kube: KubeClient, namespace: str
) -> None:
    first, second = (candidate(kube, namespace, name) for name in ("a", "b"))
    leading = asyncio.create_task(first.run())
    await asyncio.wait_for(first.leading.wait(), 5)
    waiting = asyncio.create_task(second.run())
    await asyncio.sleep(0)
    assert first.is_leader
    with pytest.raises(LeadershipLost, match="b does not hold the lease"):
        second.check()
    first.check()

    await end(leading)
    assert not first.is_leader
    # Sooner than the lease would have run out.
    await asyncio.wait_for(second.leading.wait(), 1.5)
    spec = await lease_spec(kube, namespace)
    assert (spec["holderIdentity"], spec["leaseTransitions"]) == ("b", 1)
    await end(waiting)
    assert (await lease_spec(kube, namespace))["holderIdentity"] == ""


async def test_the_lease_is_renewed_while_it_is_held(kube: KubeClient, namespace: str) -> None:
    elector = candidate(kube, namespace, "a")
    task = asyncio.create_task(elector.run())
    await asyncio.wait_for(elector.leading.wait(), 5)
    before = await lease_spec(kube, namespace)

    async def renewed() -> bool:
        return bool((await lease_spec(kube, namespace))["renewTime"] > before["renewTime"])

    await until(renewed)
    after = await lease_spec(kube, namespace)
    assert (after["acquireTime"], after["leaseTransitions"]) == (before["acquireTime"], 0)
    await end(task)


async def test_a_leader_without_connection_stops_before_the_next_one_starts(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    leaders: list[set[str]] = []
    async with (
        Proxy(api_server.port) as proxy,
        KubeClient.from_kubeconfig(str(api_server.kubeconfig_for(proxy.port))) as cut_off,
    ):
        first, second = candidate(cut_off, namespace, "a"), candidate(kube, namespace, "b")
        leading = asyncio.create_task(first.run())
        await asyncio.wait_for(first.leading.wait(), 5)
        waiting = asyncio.create_task(second.run())
        await proxy.cut()

        def passed_on() -> bool:
            leaders.append({elector.identity for elector in (first, second) if elector.is_leader})
            return second.is_leader

        await until(passed_on)
        assert {"a", "b"} not in leaders
        assert set() in leaders
        await asyncio.wait_for(leading, 5)
        with pytest.raises(LeadershipLost):
            first.check()
        await end(waiting)


async def test_a_leader_whose_lease_was_taken_knows_at_its_next_renewal(
    kube: KubeClient, namespace: str
) -> None:
    elector = candidate(kube, namespace, "a")
    task = asyncio.create_task(elector.run())
    await asyncio.wait_for(elector.leading.wait(), 5)

    async def taken() -> bool:
        lease = present(await kube.get(LEASES, namespace, "setpoint"))
        spec = lease["spec"] | {"holderIdentity": "thief", "leaseDurationSeconds": 3600}
        with suppress(Exception):
            await kube.replace(LEASES, namespace, "setpoint", lease | {"spec": spec})
            return True
        return False

    await until(taken)
    await asyncio.wait_for(task, 5)
    assert (await lease_spec(kube, namespace))["holderIdentity"] == "thief"
