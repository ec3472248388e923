"""The loop against a real API server. There is no controller-manager: what it would do, a test does."""

import pytest

from setpoint.controllers.inferenceservice.controller import FIELD_MANAGER
from setpoint.controllers.inferenceservice.observe import CHILDREN
from setpoint.kube.client import KubeClient
from setpoint.kube.errors import NotFound
from setpoint.kube.resources import (
    DEPLOYMENTS,
    INFERENCE_SERVICES,
    PODS,
)
from setpoint.settings import Settings
from tests.apiserver import ApiServer, until
from tests.controllers.inferenceservice.running import operator, settled_service, with_service
from tests.controllers.inferenceservice.users import (
    CREATED,
    NAME,
    WRITES_TO_CREATE,
    change,
    condition,
    create,
    deployment,
    live,
    orphan,
    pod_is_replaced,
    pod_is_routable,
    revisions,
    service,
    set_status,
)

pytestmark = [pytest.mark.apiserver, pytest.mark.usefixtures("crd")]


async def test_creating_a_service_takes_one_write_a_child_and_one_of_the_status(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    async with operator(api_server, namespace) as running:
        await running.quiet()
        created = await create(kube, service(namespace))
        await running.has_seen(INFERENCE_SERVICES, created["metadata"]["resourceVersion"])
        await until(lambda: len(running.writes) >= WRITES_TO_CREATE)
        await running.quiet()

    assert [request.resource for request in running.writes] == [*CREATED]


async def test_a_new_service_is_accepted_and_progressing(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    await settled_service(api_server, kube, namespace)

    found = await live(kube, namespace)
    assert condition(found, "Accepted") == ("True", "Accepted")
    assert condition(found, "Progressing") == ("True", "RollingOut")


async def test_a_service_is_ready_when_its_pod_is_routable(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    async with with_service(api_server, kube, namespace) as (_running, _):
        await pod_is_routable(kube, namespace)

        async def complete() -> bool:
            return condition(await live(kube, namespace), "Progressing") == ("False", "Complete")

        await until(complete)

    found = await live(kube, namespace)
    assert condition(found, "Ready") == ("True", "Routable")
    assert found["status"]["replicaSummary"] == "1/1"


async def test_a_second_reconcile_of_an_unchanged_service_makes_no_request(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    async with with_service(api_server, kube, namespace) as (running, _):
        running.manager.wake((namespace, NAME))
        await running.quiet()

    assert running.requests == []


async def test_a_touch_of_an_unrelated_annotation_makes_no_request(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    async with with_service(api_server, kube, namespace) as (running, _):
        found = await live(kube, namespace)
        found["metadata"]["annotations"] = {"team": "a"}
        touched = await kube.replace(INFERENCE_SERVICES, namespace, NAME, found)
        await running.has_seen(INFERENCE_SERVICES, touched["metadata"]["resourceVersion"])

    assert running.requests == []


async def test_a_restart_with_nothing_to_do_makes_no_request(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    await settled_service(api_server, kube, namespace)

    async with operator(api_server, namespace) as second:
        await second.quiet()

    assert second.requests == []


async def test_a_spec_with_a_fault_leaves_what_runs_as_it_is(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    async with with_service(api_server, kube, namespace) as (_running, user_service):
        before = await deployment(kube, namespace)

        await change(kube, user_service, model={"uri": "file:///etc"})

        async def refused() -> bool:
            return condition(await live(kube, namespace), "Accepted") == ("False", "NodePathNotAllowed")

        await until(refused)

    assert await deployment(kube, namespace) == before


async def test_a_template_that_the_api_server_refuses_is_told_and_leaves_what_runs(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    async with with_service(api_server, kube, namespace) as (_running, user_service):
        before = await deployment(kube, namespace)

        await change(kube, user_service, template={"spec": {"restartPolicy": "Sometimes"}})

        async def refused() -> bool:
            return condition(await live(kube, namespace), "Accepted") == ("False", "Rejected")

        await until(refused)

    assert await deployment(kube, namespace) == before


async def test_an_operator_that_would_render_other_pods_leaves_the_running_ones(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    user_service = await settled_service(
        api_server, kube, namespace, settings=Settings(vllm_image="registry.one/vllm")
    )
    await pod_is_routable(kube, namespace)
    before = await deployment(kube, namespace)

    async with operator(api_server, namespace, settings=Settings(vllm_image="registry.two/vllm")) as new:
        await new.quiet()
        assert [request.resource for request in new.writes] == [PODS, INFERENCE_SERVICES]
        # A change of the spec is rendered by the operator of the day.
        await change(kube, user_service, engine={"args": ["--max-model-len=4096"]})

        async def rendered_anew() -> bool:
            found = await deployment(kube, namespace)
            return bool(found["spec"]["template"] != before["spec"]["template"])

        await until(rendered_anew)

    image = (await deployment(kube, namespace))["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image.startswith("registry.two/vllm")


async def test_what_never_served_is_rendered_anew_by_an_operator_with_better_settings(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    await settled_service(api_server, kube, namespace, settings=Settings(vllm_image="registry.wrong/vllm"))

    async with operator(api_server, namespace, settings=Settings(vllm_image="registry.right/vllm")):

        async def mended() -> bool:
            found = await deployment(kube, namespace)
            image: str = found["spec"]["template"]["spec"]["containers"][0]["image"]
            return image.startswith("registry.right/vllm")

        await until(mended)


@pytest.mark.parametrize("lost", [False, True], ids=["owned", "without owner"])
async def test_the_template_of_a_former_spec_is_deleted_once_the_new_one_runs(
    api_server: ApiServer, kube: KubeClient, namespace: str, lost: bool
) -> None:
    async with with_service(api_server, kube, namespace) as (running, user_service):
        await pod_is_routable(kube, namespace)
        (former,) = await revisions(kube, namespace)
        await change(kube, user_service, engine={"args": ["--max-model-len=4096"]})

        async def both() -> bool:
            return len(await revisions(kube, namespace)) == 2

        await until(both)
        await running.quiet()
        if lost:
            orphan(api_server, former)
        await pod_is_replaced(kube, namespace)
        generation = (await deployment(kube, namespace))["metadata"]["generation"]
        counts = {"observedGeneration": generation, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1}
        await set_status(kube, DEPLOYMENTS, NAME, namespace, counts)

        async def one() -> bool:
            return len(await revisions(kube, namespace)) == 1

        await until(one)

    (kept,) = await revisions(kube, namespace)
    assert kept["metadata"]["uid"] != former["metadata"]["uid"]


async def test_children_are_owned_so_that_they_go_with_the_service(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    user_service = await settled_service(api_server, kube, namespace)

    for resource in CHILDREN:
        found, _ = await kube.list(resource, label_selector=f"setpoint.dev/inferenceservice={NAME}")
        children = [child for child in found if child["metadata"]["namespace"] == namespace]
        assert len(children) == CREATED.count(resource)
        for child in children:
            (owner,) = child["metadata"]["ownerReferences"]
            assert owner["uid"] == user_service["metadata"]["uid"]
            assert {entry["manager"] for entry in child["metadata"]["managedFields"]} == {FIELD_MANAGER}


async def test_a_service_that_is_deleted_at_once_ends_in_quiet(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    async with operator(api_server, namespace) as running:
        created = await create(kube, service(namespace))
        await kube.delete(INFERENCE_SERVICES, namespace, NAME, uid=created["metadata"]["uid"])

        async def gone() -> bool:
            return running.manager._informers[INFERENCE_SERVICES].store.get(namespace, NAME) is None

        await until(gone)
        await running.quiet()

    with pytest.raises(NotFound):
        await set_status(kube, INFERENCE_SERVICES, NAME, namespace, {})
