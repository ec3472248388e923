"""What becomes of the children when somebody else changes them, on a real API server."""

import pytest

from setpoint.controllers.inferenceservice.observe import CHILDREN
from setpoint.kube.client import KubeClient
from setpoint.kube.objects import controller_uid
from setpoint.kube.resources import (
    DEPLOYMENTS,
    INFERENCE_SERVICES,
    SERVICE_ACCOUNTS,
    SERVICES,
)
from setpoint.settings import Settings
from tests.apiserver import ApiServer, until
from tests.controllers.inferenceservice.running import operator, settled_service, with_service
from tests.controllers.inferenceservice.users import (
    NAME,
    change,
    condition,
    create,
    deployment,
    live,
    orphan,
    pod_is_routable,
    revisions,
    service,
    set_status,
)

pytestmark = [pytest.mark.apiserver, pytest.mark.usefixtures("crd")]


async def test_what_was_deleted_while_the_operator_was_away_is_made_again(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    await settled_service(api_server, kube, namespace)
    found = await kube.get(SERVICES, namespace, NAME)
    assert found is not None
    await kube.delete(SERVICES, namespace, NAME, uid=found["metadata"]["uid"])

    async with operator(api_server, namespace) as second:
        await second.quiet()

    assert await kube.get(SERVICES, namespace, NAME) is not None


async def test_a_field_that_somebody_else_changed_is_put_back(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    async with with_service(api_server, kube, namespace) as (running, _):
        changed = await deployment(kube, namespace)
        changed["spec"]["replicas"] = 5
        changed = await kube.replace(DEPLOYMENTS, namespace, NAME, changed)
        await running.has_seen(DEPLOYMENTS, changed["metadata"]["resourceVersion"])

        async def restored() -> bool:
            found = await deployment(kube, namespace)
            return bool(found["spec"]["replicas"] == 1)

        await until(restored)


async def test_a_field_that_somebody_else_added_is_left_alone(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    async with with_service(api_server, kube, namespace) as (running, _):
        changed = await deployment(kube, namespace)
        changed["metadata"]["labels"]["cost-centre"] = "42"
        changed = await kube.replace(DEPLOYMENTS, namespace, NAME, changed)
        await running.has_seen(DEPLOYMENTS, changed["metadata"]["resourceVersion"])

    assert running.requests == []


async def test_a_variable_that_somebody_else_added_is_left_alone_and_outlives_a_change(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    async with with_service(api_server, kube, namespace) as (running, user_service):
        changed = await deployment(kube, namespace)
        changed["spec"]["template"]["spec"]["containers"][0]["env"].append({"name": "DEBUG", "value": "1"})
        changed = await kube.replace(DEPLOYMENTS, namespace, NAME, changed)
        await running.has_seen(DEPLOYMENTS, changed["metadata"]["resourceVersion"])
        assert [request for request in running.writes if request.resource is DEPLOYMENTS] == []

        await change(kube, user_service, engine={"args": ["--max-model-len=4096"]})

        async def applied() -> bool:
            found = await deployment(kube, namespace)
            return "--max-model-len=4096" in found["spec"]["template"]["spec"]["containers"][0]["args"]

        await until(applied)

    (container,) = (await deployment(kube, namespace))["spec"]["template"]["spec"]["containers"]
    assert {"name": "DEBUG", "value": "1"} in container["env"]


async def test_a_child_that_lost_its_owner_is_taken_back_without_a_restart(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    async with with_service(api_server, kube, namespace) as (running, user_service):
        before = await deployment(kube, namespace)
        orphan(api_server, before)

        async def taken_back() -> bool:
            return "ownerReferences" in (await deployment(kube, namespace))["metadata"]

        await until(taken_back)
        await running.quiet()

    after = await deployment(kube, namespace)
    assert controller_uid(after) == user_service["metadata"]["uid"]
    assert (after["metadata"]["uid"], after["spec"]) == (before["metadata"]["uid"], before["spec"])
    assert condition(await live(kube, namespace), "Accepted") == ("True", "Accepted")


async def orphan_all(api_server: ApiServer, kube: KubeClient, namespace: str) -> None:
    for resource in CHILDREN:
        for child in (await kube.list(resource))[0]:
            if child["metadata"]["namespace"] == namespace and controller_uid(child):
                orphan(api_server, child)


@pytest.mark.parametrize("image", ["registry.one/vllm", "registry.two/vllm"])
async def test_children_that_were_orphaned_serve_the_next_service_of_that_name_whatever_the_settings(
    api_server: ApiServer, kube: KubeClient, namespace: str, image: str
) -> None:
    old = await settled_service(
        api_server, kube, namespace, settings=Settings(vllm_image="registry.one/vllm")
    )
    await pod_is_routable(kube, namespace)
    before = await deployment(kube, namespace)
    await orphan_all(api_server, kube, namespace)
    await kube.delete(INFERENCE_SERVICES, namespace, NAME, uid=old["metadata"]["uid"])

    async with operator(api_server, namespace, settings=Settings(vllm_image=image)) as running:
        new = await create(kube, service(namespace))

        async def ready() -> bool:
            found = await live(kube, namespace)
            return "status" in found and condition(found, "Ready") == ("True", "Routable")

        await until(ready)
        await running.quiet()

    after = await deployment(kube, namespace)
    assert controller_uid(after) == new["metadata"]["uid"]
    assert (after["metadata"]["uid"], after["spec"]) == (before["metadata"]["uid"], before["spec"])
    assert condition(await live(kube, namespace), "Accepted") == ("True", "Accepted")


async def test_a_stored_template_that_lost_its_owner_is_taken_back_by_an_operator_that_would_render_another(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    await settled_service(api_server, kube, namespace, settings=Settings(vllm_image="registry.one/vllm"))
    await pod_is_routable(kube, namespace)
    before = await deployment(kube, namespace)
    (revision,) = await revisions(kube, namespace)
    orphan(api_server, revision)

    async with operator(api_server, namespace, settings=Settings(vllm_image="registry.two/vllm")) as running:
        await running.quiet()

    (after,) = await revisions(kube, namespace)
    assert (after["metadata"]["uid"], after["data"]) == (revision["metadata"]["uid"], revision["data"])
    assert controller_uid(after) == controller_uid(before)
    assert (await deployment(kube, namespace))["spec"] == before["spec"]
    assert condition(await live(kube, namespace), "Accepted") == ("True", "Accepted")


async def test_a_paused_deployment_stays_paused_and_is_told(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    async with with_service(api_server, kube, namespace) as (running, user_service):
        paused = await deployment(kube, namespace)
        paused["spec"]["paused"] = True
        paused = await kube.replace(DEPLOYMENTS, namespace, NAME, paused)
        await running.has_seen(DEPLOYMENTS, paused["metadata"]["resourceVersion"])
        await change(kube, user_service, engine={"args": ["--max-model-len=4096"]})

        async def applied() -> bool:
            return bool((await deployment(kube, namespace))["metadata"]["generation"] == 3)

        await until(applied)
        await set_status(kube, DEPLOYMENTS, NAME, namespace, {"observedGeneration": 3})

        async def told() -> bool:
            return condition(await live(kube, namespace), "Progressing") == ("False", "Paused")

        await until(told)
        await running.quiet()

    after = await deployment(kube, namespace)
    assert after["spec"]["paused"]
    # What the spec asks for is there, and rolls out when the pause ends.
    assert "--max-model-len=4096" in after["spec"]["template"]["spec"]["containers"][0]["args"]


async def test_an_object_of_somebody_else_is_left_alone_and_named(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    foreign = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"namespace": namespace, "name": NAME},
    }
    before = await kube.create(SERVICE_ACCOUNTS, namespace, foreign)

    async with operator(api_server, namespace):
        await create(kube, service(namespace))

        async def refused() -> bool:
            found = await live(kube, namespace)
            return "status" in found and condition(found, "Accepted") == ("False", "NameTaken")

        await until(refused)

    found = await live(kube, namespace)
    message = next(item["message"] for item in found["status"]["conditions"] if item["type"] == "Accepted")
    assert f"ServiceAccount {namespace}/{NAME}" in message
    assert await kube.get(SERVICE_ACCOUNTS, namespace, NAME) == before
