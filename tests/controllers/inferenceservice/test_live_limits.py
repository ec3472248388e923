"""A service's limits reach its pods without a new pod template, on a real API server."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from setpoint.kube.client import KubeClient
from setpoint.kube.errors import Conflict
from setpoint.kube.objects import Object
from setpoint.kube.resources import CONFIG_MAPS, INFERENCE_SERVICES, PODS
from tests.apiserver import ApiServer, until
from tests.controllers.inferenceservice.running import Operator, operator, settled_service, with_service
from tests.controllers.inferenceservice.users import (
    NAME,
    WRITES_TO_CREATE,
    change,
    condition,
    create,
    deployment,
    limits,
    live,
    pod_is_routable,
    service,
    told,
)

pytestmark = [pytest.mark.apiserver, pytest.mark.usefixtures("crd")]

OBJECTIVE = {"name": "between-tokens", "metric": "InterTokenLatency", "threshold": "60ms"}
SLO = {"objectives": [OBJECTIVE]}
IN_THE_FILE = [{"name": "between-tokens", "metric": "InterTokenLatency", "threshold": 0.06}]


async def pod_is_told(running: Operator, kube: KubeClient, namespace: str) -> Object:
    """Wait until the pod's annotation says what the ConfigMap says, and nothing is left to do."""

    async def same() -> bool:
        return await told(kube, namespace) == await limits(kube, namespace)

    await until(same)
    await running.quiet()
    return await told(kube, namespace)


@asynccontextmanager
async def told_pod(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> AsyncIterator[tuple[Operator, Object, Object]]:
    """Run the operator on a service whose one pod serves: with the service, and what the pod was told."""
    async with with_service(api_server, kube, namespace) as (running, created):
        await pod_is_routable(kube, namespace)
        yield running, created, await pod_is_told(running, kube, namespace)


async def annotate(kube: KubeClient, namespace: str, text: str) -> None:
    """Write the limits into the pod's annotation as somebody else would."""
    manifest = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "chat-1", "annotations": {"setpoint.dev/limits": text}},
    }
    await kube.apply(PODS, namespace, "chat-1", manifest, field_manager="somebody")


async def test_a_promise_reaches_the_running_pod_and_changes_no_pod_template(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    async with told_pod(api_server, kube, namespace) as (running, user_service, first):
        before = await deployment(kube, namespace)
        running.forget_requests()

        await change(kube, user_service, slo=SLO)

        async def promised() -> bool:
            return (await told(kube, namespace))["objectives"] == IN_THE_FILE  # type: ignore[no-any-return]

        await until(promised)
        second = await pod_is_told(running, kube, namespace)

    assert second["generation"] > first["generation"]
    assert second["writer"] == user_service["metadata"]["uid"]
    assert (await deployment(kube, namespace))["spec"] == before["spec"]
    assert {request.resource for request in running.writes} == {CONFIG_MAPS, PODS, INFERENCE_SERVICES}


async def test_a_change_that_promises_nothing_else_leaves_the_limits_as_they_are(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    async with told_pod(api_server, kube, namespace) as (running, user_service, before):
        changed = await change(kube, user_service, replicas=2)
        await running.has_seen(INFERENCE_SERVICES, changed["metadata"]["resourceVersion"])

        assert await pod_is_told(running, kube, namespace) == before


@pytest.mark.parametrize(
    ("text", "least"),
    [
        ('{"generation": 1000000, "limits": {"seqs": 1}}', 1_000_001),
        ('{"generation": 1, "limits": {"seqs": 1}}', 2),
        ('{"generation": 9007199254740991, "limits": {}}', 2**53 - 1),
        ("{", 1),
    ],
    ids=["newer", "as new as ours", "the newest there can be", "garbage"],
)
async def test_limits_that_somebody_wrote_into_a_pod_are_outdone(
    api_server: ApiServer, kube: KubeClient, namespace: str, text: str, least: int
) -> None:
    async with told_pod(api_server, kube, namespace) as (running, user_service, _):
        await annotate(kube, namespace, text)

        async def ours() -> bool:
            pod = await kube.get(PODS, namespace, "chat-1")
            assert pod is not None
            return user_service["metadata"]["uid"] in pod["metadata"]["annotations"]["setpoint.dev/limits"]

        await until(ours)
        after = await pod_is_told(running, kube, namespace)

    assert after["limits"] == {}
    assert after["generation"] == least


async def test_a_limits_file_that_was_deleted_is_made_again_as_it_was(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    async with told_pod(api_server, kube, namespace) as (_, _, before):
        found = await kube.get(CONFIG_MAPS, namespace, f"{NAME}-limits")
        assert found is not None
        await kube.delete(CONFIG_MAPS, namespace, f"{NAME}-limits", uid=found["metadata"]["uid"])

        async def made_again() -> bool:
            return await kube.get(CONFIG_MAPS, namespace, f"{NAME}-limits") is not None

        await until(made_again)

    assert await limits(kube, namespace) == before


@pytest.mark.parametrize(
    "change_by_hand", [{"immutable": True}, {"data": None, "binaryData": {"limits.json": "e30="}}]
)
async def test_a_limits_file_that_no_apply_can_mend_is_made_anew(
    api_server: ApiServer, kube: KubeClient, namespace: str, change_by_hand: Object
) -> None:
    async with told_pod(api_server, kube, namespace) as (running, _, _):
        found = await kube.get(CONFIG_MAPS, namespace, f"{NAME}-limits")
        assert found is not None
        found["data"] = {"limits.json": '{"generation": 1000, "limits": {"seqs": 1}}'}
        spoiled = await kube.replace(CONFIG_MAPS, namespace, f"{NAME}-limits", {**found, **change_by_hand})

        async def made_anew() -> bool:
            now = await kube.get(CONFIG_MAPS, namespace, f"{NAME}-limits")
            return now is not None and now["metadata"]["uid"] != spoiled["metadata"]["uid"]

        await until(made_anew)
        after = await pod_is_told(running, kube, namespace)

    assert after["limits"] == {}
    assert after["generation"] == (1001 if "immutable" in change_by_hand else 1)
    assert condition(await live(kube, namespace), "Accepted") == ("True", "Accepted")


async def test_a_plugin_that_somebody_replaced_is_made_anew(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    async with with_service(api_server, kube, namespace) as (running, _):
        (plugin,) = await plugins(kube, namespace)
        found = await kube.get(CONFIG_MAPS, namespace, plugin)
        assert found is not None
        await kube.delete(CONFIG_MAPS, namespace, plugin, uid=found["metadata"]["uid"])
        del found["metadata"]["resourceVersion"], found["metadata"]["uid"]
        with suppress(Conflict):  # the operator was quicker
            await kube.create(CONFIG_MAPS, namespace, {**found, "data": {"evil": "x"}})

        async def whole() -> bool:
            now = await kube.get(CONFIG_MAPS, namespace, plugin)
            return now is not None and now["data"] == found["data"]

        await until(whole)
        await running.quiet()


async def plugins(kube: KubeClient, namespace: str) -> list[str]:
    """The ConfigMaps of a namespace that hold the plugin."""
    found, _ = await kube.list(CONFIG_MAPS, label_selector=f"setpoint.dev/inferenceservice={NAME}")
    names = [each["metadata"]["name"] for each in found if each["metadata"]["namespace"] == namespace]
    return [name for name in names if "-plugin-" in name]


async def test_a_newer_operator_leaves_a_running_service_its_plugin(
    api_server: ApiServer, kube: KubeClient, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await settled_service(api_server, kube, namespace)
    await pod_is_routable(kube, namespace)
    async with operator(api_server, namespace) as running:
        await pod_is_told(running, kube, namespace)
    before, (plugin,) = await deployment(kube, namespace), await plugins(kube, namespace)
    monkeypatch.setattr("setpoint.engines.vllm_plugin.content_hash", lambda: "newer")

    async with operator(api_server, namespace) as newer:
        await newer.quiet()

    assert newer.writes == []
    assert await plugins(kube, namespace) == [plugin]
    assert (await deployment(kube, namespace))["spec"] == before["spec"]


async def test_a_plugin_that_no_operator_can_make_any_more_is_replaced_by_a_rollout(
    api_server: ApiServer, kube: KubeClient, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await settled_service(api_server, kube, namespace)
    await pod_is_routable(kube, namespace)
    (plugin,) = await plugins(kube, namespace)
    found = await kube.get(CONFIG_MAPS, namespace, plugin)
    assert found is not None
    await kube.delete(CONFIG_MAPS, namespace, plugin, uid=found["metadata"]["uid"])
    monkeypatch.setattr("setpoint.engines.vllm_plugin.content_hash", lambda: "newer")

    async with operator(api_server, namespace) as newer:
        await newer.quiet()

    assert await plugins(kube, namespace) == [f"{NAME}-plugin-newer"]
    assert "newer" in json.dumps((await deployment(kube, namespace))["spec"])


async def test_a_promise_to_pods_that_have_no_plugin_takes_a_rollout(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    with pytest.MonkeyPatch.context() as older:
        older.setattr("setpoint.orchestrations.live_channel.takes_plugin", lambda _: False)
        async with operator(api_server, namespace) as old:
            user_service = await create(kube, service(namespace))
            await until(lambda: len(old.writes) == WRITES_TO_CREATE - 1)
            await old.quiet()
    await pod_is_routable(kube, namespace)
    before = await deployment(kube, namespace)

    async with operator(api_server, namespace) as newer:
        await newer.quiet()
        assert (await deployment(kube, namespace))["spec"] == before["spec"]
        await change(kube, user_service, slo=SLO)

        async def rolled_out() -> bool:
            return "setpoint-plugin" in json.dumps((await deployment(kube, namespace))["spec"])

        await until(rolled_out)
        await newer.quiet()

    # The pods that serve are not taken for those that are to come.
    assert condition(await live(kube, namespace), "Progressing") == ("True", "RollingOut")
