"""Against a real API server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import cast

import pytest

from setpoint.kube.client import KubeClient, Request
from setpoint.kube.errors import Unavailable
from setpoint.kube.informer import Informer, Watched, strip
from setpoint.kube.objects import Object
from tests.apiserver import CONFIG_MAPS, ApiServer, until
from tests.kube.builders import config_map, present
from tests.kube.proxy import Proxy

pytestmark = pytest.mark.apiserver

Told = list[tuple[str | None, str | None]]


@asynccontextmanager
async def following(client: KubeClient, namespace: str) -> AsyncIterator[tuple[Informer, Told]]:
    """A running informer of the ConfigMaps labelled with this namespace, and the data of what it told."""
    told: Told = []

    def tell(old: Object | None, new: Object | None) -> None:
        told.append((old["data"]["a"] if old else None, new["data"]["a"] if new else None))

    informer = Informer(client, CONFIG_MAPS, watched=Watched(f"of={namespace}"), on_change=tell)
    task = asyncio.create_task(informer.run())
    try:
        yield informer, told
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def write(
    client: KubeClient, namespace: str, name: str = "settings", a: str = "1", owner_uid: str | None = None
) -> Object:
    manifest = config_map(
        name, namespace=namespace, labels={"of": namespace}, data={"a": a}, owner_uid=owner_uid
    )
    return await client.apply(CONFIG_MAPS, namespace, name, manifest, field_manager="tests")


async def delete(client: KubeClient, obj: Object) -> None:
    metadata = obj["metadata"]
    await client.delete(CONFIG_MAPS, metadata["namespace"], metadata["name"], uid=metadata["uid"])


def holds(informer: Informer, **data: str) -> Callable[[], bool]:
    def check() -> bool:
        objects = [informer.store.get(*key) for key in list(informer.store.keys())]
        return {obj["metadata"]["name"]: obj["data"]["a"] for obj in objects if obj} == data

    return check


async def test_it_is_synced_once_everything_there_is_told(kube: KubeClient, namespace: str) -> None:
    for name in ("x", "y"):
        await write(kube, namespace, name)
    async with following(kube, namespace) as (informer, told):
        assert not informer.synced.is_set()
        await asyncio.wait_for(informer.synced.wait(), 10)
        assert told == [(None, "1"), (None, "1")]
        assert holds(informer, x="1", y="1")()


async def test_it_follows_what_is_created_changed_and_deleted(kube: KubeClient, namespace: str) -> None:
    async with following(kube, namespace) as (informer, told):
        await informer.synced.wait()
        await write(kube, namespace)
        changed = await write(kube, namespace, a="2")
        await delete(kube, changed)
        await until(lambda: len(told) == 3)
        assert told == [(None, "1"), ("1", "2"), ("2", None)]
        assert holds(informer)()


async def test_managed_fields_are_not_kept_and_a_change_of_nothing_else_is_not_told(
    kube: KubeClient, namespace: str
) -> None:
    async with following(kube, namespace) as (informer, told):
        written = await write(kube, namespace)
        await until(holds(informer, settings="1"))
        assert "managedFields" not in present(informer.store.get(namespace, "settings"))["metadata"]
        manifest = config_map(namespace=namespace, labels={"of": namespace})
        again = await kube.apply(CONFIG_MAPS, namespace, "settings", manifest, field_manager="another")
        assert again["metadata"]["resourceVersion"] != written["metadata"]["resourceVersion"]
        await write(kube, namespace, "later")
        await until(holds(informer, settings="1", later="1"))
        assert told == [(None, "1"), (None, "1")]


async def test_what_happened_while_the_watch_was_cut_is_told_and_leaves_no_ghost(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    gone, kept = await write(kube, namespace, "gone"), await write(kube, namespace, "kept", a="k")
    verbs: list[str] = []
    async with (
        Proxy(api_server.port) as proxy,
        KubeClient.from_kubeconfig(
            str(api_server.kubeconfig_for(proxy.port)), on_request=lambda request: verbs.append(request.verb)
        ) as client,
        following(client, namespace) as (informer, told),
    ):
        await informer.synced.wait()
        await proxy.cut()
        await delete(kube, gone)
        await write(kube, namespace, "new", a="n")
        await proxy.mend()
        await until(holds(informer, kept="k", new="n"))
        assert sorted(told[2:], key=str) == [("1", None), (None, "n")]
        assert verbs.count("list") == 1
        assert kept


async def test_a_gap_that_the_server_has_forgotten_is_mended_by_a_list_without_ghosts_or_a_storm(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    gone = await write(kube, namespace, "gone")
    for name in ("kept", "changed"):
        await write(kube, namespace, name)
    verbs: list[str] = []
    async with (
        Proxy(api_server.port) as proxy,
        KubeClient.from_kubeconfig(
            str(api_server.kubeconfig_for(proxy.port)), on_request=lambda request: verbs.append(request.verb)
        ) as client,
        following(client, namespace) as (informer, told),
    ):
        await informer.synced.wait()
        await proxy.cut()
        await delete(kube, gone)
        await write(kube, namespace, "changed", a="2")
        api_server.forget_history()
        del told[:]
        await proxy.mend()
        await until(holds(informer, kept="1", changed="2"), seconds=60)
        assert sorted(told, key=str) == [("1", "2"), ("1", None)]
        assert verbs.count("list") == 2


async def test_an_own_write_is_read_at_once_and_told_once(kube: KubeClient, namespace: str) -> None:
    async with following(kube, namespace) as (informer, told):
        await informer.synced.wait()
        written = await write(kube, namespace)
        informer.observe_write(written)
        assert informer.store.get(namespace, "settings") == strip(written)
        await write(kube, namespace, "later")
        await until(holds(informer, settings="1", later="1"))
        assert told == [(None, "1"), (None, "1")]


async def test_children_are_found_by_their_owner(kube: KubeClient, namespace: str) -> None:
    async with following(kube, namespace) as (informer, _):
        await write(kube, namespace, "ours", owner_uid="u1")
        await write(kube, namespace, "theirs", owner_uid="u2")
        await until(holds(informer, ours="1", theirs="1"))
        assert [obj["metadata"]["name"] for obj in informer.store.owned_by("u1")] == ["ours"]


async def test_it_starts_while_the_api_server_is_away_and_syncs_when_it_comes(
    api_server: ApiServer, kube: KubeClient, namespace: str
) -> None:
    await write(kube, namespace)
    requests: list[Request] = []
    async with Proxy(api_server.port) as proxy:
        await proxy.cut()
        path = str(api_server.kubeconfig_for(proxy.port))
        async with (
            KubeClient.from_kubeconfig(path, on_request=requests.append) as client,
            following(client, namespace) as (informer, _),
        ):
            await until(lambda: len(requests) >= 2)
            assert not informer.synced.is_set()
            await proxy.mend()
            await until(holds(informer, settings="1"))


class BrokenWatch:
    """Stands in for a client whose lists work and whose watches never do."""

    def __init__(self) -> None:
        self.verbs: list[str] = []

    async def pages(self, *_: object, **__: object) -> AsyncIterator[tuple[list[Object], str]]:
        self.verbs.append("list")
        yield [config_map(version=1)], "5"

    async def watch(self, *_: object, **__: object) -> AsyncIterator[Object]:
        self.verbs.append("watch")
        raise Unavailable(504, "Timeout", "too large resource version")
        yield {}


async def test_a_watch_that_fails_again_and_again_is_started_over_from_a_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("setpoint.kube.informer._BASE_SECONDS", 0.0)
    client = BrokenWatch()
    async with following(cast("KubeClient", client), "team-a"):
        await until(lambda: len(client.verbs) > 12)
    assert client.verbs[:12] == [*("list", *["watch"] * 5), *("list", *["watch"] * 5)]
