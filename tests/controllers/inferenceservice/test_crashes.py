"""A kill at any write: the heir of the killed operator reaches the state that was meant."""

import pytest

from setpoint.api.crd import inference_service_crd
from setpoint.controllers.inferenceservice.observe import CHILDREN
from setpoint.kube.client import KubeClient, Request
from setpoint.kube.objects import Object
from setpoint.kube.resources import INFERENCE_SERVICES
from tests.apiserver import ApiServer, until
from tests.controllers.inferenceservice.running import Hooks, Killed, operator
from tests.controllers.inferenceservice.users import WRITES_TO_CREATE, create, service

pytestmark = pytest.mark.apiserver


@pytest.fixture(autouse=True)
async def crd(api_server: ApiServer) -> None:
    await api_server.install_crd(inference_service_crd())


async def state(kube: KubeClient, namespace: str) -> Object:
    """All that the operator is to bring about, without what differs from one run to the next."""
    found: Object = {}
    for resource in (*CHILDREN, INFERENCE_SERVICES):
        objects, _ = await kube.list(resource)
        for each in objects:
            if each["metadata"]["namespace"] != namespace:
                continue
            metadata = {field: each["metadata"].get(field) for field in ("name", "labels", "annotations")}
            each = {field: value for field, value in each.items() if field not in ("metadata", "secrets")}
            for item in each.get("status", {}).get("conditions", ()):
                item.pop("lastTransitionTime")
            for field in ("clusterIP", "clusterIPs"):
                each.get("spec", {}).pop(field, None)
            found[f"{resource.kind}/{metadata['name']}"] = without(each | {"metadata": metadata}, namespace)
    return found


def without(value: object, namespace: str) -> object:
    """Replace the namespace, which each run has its own of, in every text; its hashes contain it too."""
    if isinstance(value, dict):
        return {
            key: without(item, namespace)
            for key, item in value.items()
            if key != "setpoint.dev/manifest-hash"
        }
    if isinstance(value, list):
        return [without(item, namespace) for item in value]
    return value.replace(namespace, "NAMESPACE") if isinstance(value, str) else value


@pytest.mark.parametrize("carried_out", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("number", range(1, WRITES_TO_CREATE + 1))
async def test_a_kill_at_any_write_ends_in_the_same_state(
    api_server: ApiServer, kube: KubeClient, namespace: str, number: int, carried_out: bool
) -> None:
    undisturbed = await api_server.create_namespace()
    async with operator(api_server, undisturbed) as running:
        await create(kube, service(undisturbed))
        await until(lambda: len(running.writes) >= WRITES_TO_CREATE)
        await running.quiet()
    writes = 0
    killed = False

    def kill(request: Request) -> None:
        nonlocal writes, killed
        writes += request.is_write
        if writes == number or killed:
            killed = True
            raise Killed

    hooks = Hooks(after=kill) if carried_out else Hooks(before=kill)
    async with operator(api_server, namespace, hooks=hooks):
        await create(kube, service(namespace))
        await until(lambda: killed)

    async with operator(api_server, namespace) as heir:
        await heir.quiet()

    assert await state(kube, namespace) == await state(kube, undisturbed)
