"""A kill at any write: the heir of the killed operator reaches the state that was meant."""

from collections.abc import Mapping
from functools import reduce

import pytest

from setpoint.controllers.inferenceservice.observe import CHILDREN
from setpoint.kube.client import KubeClient, Request
from setpoint.kube.objects import Object
from setpoint.kube.resources import INFERENCE_SERVICES
from tests.apiserver import ApiServer, until
from tests.controllers.inferenceservice.running import Hooks, Killed, operator
from tests.controllers.inferenceservice.users import WRITES_TO_CREATE, change, create, live, service

pytestmark = [pytest.mark.apiserver, pytest.mark.usefixtures("crd")]

CHANGED = {"args": ["--max-model-len=4096"]}
WRITES_TO_CHANGE = 3
"""The new pod template's ControllerRevision, the Deployment, the status."""


async def state(kube: KubeClient, namespace: str) -> Object:
    """All that the operator is to bring about, without what differs from one run to the next."""
    found: Object = {}
    own = {namespace: "NAMESPACE", (await live(kube, namespace))["metadata"]["uid"]: "UID"}
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
            found[f"{resource.kind}/{metadata['name']}"] = without(each | {"metadata": metadata}, own)
    return found


def without(value: object, own: Mapping[str, str]) -> object:
    """Replace what each run has its own of in every text; its hashes contain it too."""
    if isinstance(value, dict):
        return {key: without(item, own) for key, item in value.items() if key != "setpoint.dev/manifest-hash"}
    if isinstance(value, list):
        return [without(item, own) for item in value]
    if isinstance(value, str):
        return reduce(lambda text, each: text.replace(*each), own.items(), value)
    return value


async def settled(api_server: ApiServer, namespace: str) -> None:
    """Let an undisturbed operator bring about what users ask for."""
    async with operator(api_server, namespace) as running:
        await running.quiet()


async def killed_and_inherited(
    api_server: ApiServer, namespace: str, number: int, *, carried_out: bool
) -> None:
    """Kill an operator at its n-th write, before it is sent or after it was carried out; then let an heir
    work.
    """
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
        await until(lambda: killed)
    await settled(api_server, namespace)


@pytest.mark.parametrize("carried_out", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("number", range(1, WRITES_TO_CREATE + 1))
async def test_a_kill_at_any_write_of_a_creation_ends_in_the_same_state(
    api_server: ApiServer, kube: KubeClient, namespace: str, number: int, carried_out: bool
) -> None:
    undisturbed = await api_server.create_namespace()
    await create(kube, service(undisturbed))
    await settled(api_server, undisturbed)
    await create(kube, service(namespace))

    await killed_and_inherited(api_server, namespace, number, carried_out=carried_out)

    assert await state(kube, namespace) == await state(kube, undisturbed)


@pytest.mark.parametrize("carried_out", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("number", range(1, WRITES_TO_CHANGE + 1))
async def test_a_kill_at_any_write_of_a_change_ends_in_the_same_state(
    api_server: ApiServer, kube: KubeClient, namespace: str, number: int, carried_out: bool
) -> None:
    undisturbed = await api_server.create_namespace()
    services = [await create(kube, service(each)) for each in (undisturbed, namespace)]
    await settled(api_server, undisturbed)
    await change(kube, services[0], engine=CHANGED)
    await settled(api_server, undisturbed)
    await change(kube, services[1], engine=CHANGED)

    await killed_and_inherited(api_server, namespace, number, carried_out=carried_out)

    assert await state(kube, namespace) == await state(kube, undisturbed)
