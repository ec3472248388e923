"""Against a real API server."""

from pathlib import Path
from typing import Any

import pytest

from setpoint.kube.client import KubeClient, Request
from setpoint.kube.errors import Conflict, Expired, Forbidden, NotFound, Rejected, Unavailable
from setpoint.kube.objects import Object
from setpoint.kube.resources import PODS, Resource
from tests.apiserver import CONFIG_MAPS, ApiServer
from tests.kube.builders import config_map

pytestmark = pytest.mark.apiserver


async def apply(client: KubeClient, manifest: Object, **options: Any) -> Object:
    return await client.apply(
        CONFIG_MAPS,
        manifest["metadata"]["namespace"],
        manifest["metadata"]["name"],
        manifest,
        field_manager="tests",
        **options,
    )


async def test_an_absent_object_is_none(kube: KubeClient, namespace: str) -> None:
    assert await kube.get(CONFIG_MAPS, namespace, "absent") is None


async def test_an_applied_object_is_read_back(kube: KubeClient, namespace: str) -> None:
    written = await apply(kube, config_map(namespace=namespace, data={"a": "x"}))
    assert await kube.get(CONFIG_MAPS, namespace, "settings") == written


async def test_a_list_of_many_pages_has_every_object_and_one_version(
    kube: KubeClient, namespace: str
) -> None:
    for number in range(7):
        await apply(kube, config_map(f"n{number}", namespace=namespace, labels={"of": namespace}))
    objects, version = await kube.list(CONFIG_MAPS, label_selector=f"of={namespace}", limit=2)
    assert [obj["metadata"]["name"] for obj in objects] == [f"n{number}" for number in range(7)]
    assert int(version) >= max(int(obj["metadata"]["resourceVersion"]) for obj in objects)
    assert {(obj["apiVersion"], obj["kind"]) for obj in objects} == {("v1", "ConfigMap")}


async def test_a_list_of_one_namespace_has_no_object_of_another(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    other = await api_server.create_namespace()
    for each in (namespace, other):
        await apply(kube, config_map("chat", namespace=each))
    objects, _ = await kube.list(CONFIG_MAPS, namespace=namespace, limit=1)
    assert [obj["metadata"]["namespace"] for obj in objects] == [namespace]


async def test_later_pages_do_not_show_what_was_written_after_the_first(
    kube: KubeClient, namespace: str
) -> None:
    for number in range(4):
        await apply(kube, config_map(f"n{number}", namespace=namespace, labels={"of": namespace}))
    names = []
    async for page, _ in kube.pages(CONFIG_MAPS, label_selector=f"of={namespace}", limit=2):
        names += [obj["metadata"]["name"] for obj in page]
        await apply(kube, config_map("n9", namespace=namespace, labels={"of": namespace}))
    assert names == ["n0", "n1", "n2", "n3"]


async def test_a_watch_tells_of_what_came_after_the_version(kube: KubeClient, namespace: str) -> None:
    _, version = await kube.list(CONFIG_MAPS, label_selector=f"of={namespace}")
    written = await apply(kube, config_map(namespace=namespace, labels={"of": namespace}))
    async for event in kube.watch(CONFIG_MAPS, resource_version=version, label_selector=f"of={namespace}"):
        assert event == {"type": "ADDED", "object": written}
        break


async def test_a_watch_from_a_forgotten_version_has_expired(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    before = await apply(kube, config_map(namespace=namespace))
    await apply(kube, config_map(namespace=namespace, data={"a": "2"}))
    api_server.forget_history()
    with pytest.raises(Expired):
        async for _ in kube.watch(CONFIG_MAPS, resource_version=before["metadata"]["resourceVersion"]):
            pass


async def test_an_apply_meant_for_another_object_of_that_name_is_a_conflict(
    kube: KubeClient, namespace: str
) -> None:
    await apply(kube, config_map(namespace=namespace))
    manifest = config_map(namespace=namespace)
    manifest["metadata"]["uid"] = "0d5a3c8e-0000-4000-8000-000000000000"
    with pytest.raises(Conflict):
        await apply(kube, manifest)
    manifest["metadata"]["name"] = "absent"
    with pytest.raises(Conflict):
        await apply(kube, manifest)


async def test_an_apply_takes_over_the_fields_of_others(kube: KubeClient, namespace: str) -> None:
    await kube.create(CONFIG_MAPS, namespace, config_map(namespace=namespace, data={"a": "theirs"}))
    written = await apply(kube, config_map(namespace=namespace, data={"a": "ours"}))
    assert written["data"] == {"a": "ours"}


async def test_a_field_that_the_api_server_does_not_know_is_rejected(
    kube: KubeClient, namespace: str
) -> None:
    with pytest.raises(Rejected, match="misspelt"):
        await apply(kube, config_map(namespace=namespace) | {"misspelt": 1})


async def test_an_object_that_breaks_validation_is_rejected(kube: KubeClient, namespace: str) -> None:
    with pytest.raises(Rejected, match="data"):
        await apply(kube, config_map(namespace=namespace, data={"not a key": "1"}))


async def test_a_kind_that_does_not_exist_is_not_found(kube: KubeClient) -> None:
    with pytest.raises(NotFound):
        await kube.list(Resource("nowhere.example", "v1", "things", "Thing"))


async def test_delete_spares_another_object_of_that_name(kube: KubeClient, namespace: str) -> None:
    written = await apply(kube, config_map(namespace=namespace))
    with pytest.raises(Conflict):
        await kube.delete(CONFIG_MAPS, namespace, "settings", uid="another")
    await kube.delete(CONFIG_MAPS, namespace, "settings", uid=written["metadata"]["uid"])
    assert await kube.get(CONFIG_MAPS, namespace, "settings") is None
    await kube.delete(CONFIG_MAPS, namespace, "settings", uid=written["metadata"]["uid"])


async def test_names_cannot_leave_their_place_in_the_path(kube: KubeClient, namespace: str) -> None:
    assert await kube.get(CONFIG_MAPS, namespace, "../../../pods") is None
    assert PODS.path("a/b", "c?d") == "/api/v1/namespaces/a%2Fb/pods/c%3Fd"


async def test_hooks_see_every_request_and_can_prevent_it(api_server: ApiServer, namespace: str) -> None:
    seen: list[tuple[str, Request]] = []

    def before(request: Request) -> None:
        seen.append(("before", request))
        if request.name == "forbidden" and request.is_write:
            raise RuntimeError("fenced")

    async with api_server.client(
        on_request=before, on_response=lambda request: seen.append(("after", request))
    ) as client:
        await apply(client, config_map(namespace=namespace))
        with pytest.raises(RuntimeError, match="fenced"):
            await apply(client, config_map("forbidden", namespace=namespace))
        assert await client.get(CONFIG_MAPS, namespace, "forbidden") is None
    written = Request("apply", CONFIG_MAPS, namespace, "settings")
    assert seen[:2] == [("before", written), ("after", written)]
    assert [request.is_write for _, request in seen] == [True, True, True, False]


async def test_credentials_that_are_not_accepted_are_forbidden(api_server: ApiServer, tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(api_server.kubeconfig.read_text().replace("token: ", "token: not-"))
    async with KubeClient.from_kubeconfig(str(path)) as client:
        with pytest.raises(Forbidden):
            await client.list(CONFIG_MAPS)


async def test_no_connection_is_unavailable(api_server: ApiServer) -> None:
    path = api_server.kubeconfig_for(1)
    async with KubeClient.from_kubeconfig(str(path)) as client:
        with pytest.raises(Unavailable):
            await client.list(CONFIG_MAPS)
