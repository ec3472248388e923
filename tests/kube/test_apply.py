"""Against a real API server."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from setpoint.kube.apply import Applier, Foreign
from setpoint.kube.client import KubeClient, Request
from setpoint.kube.errors import Conflict
from setpoint.kube.objects import Object, controller_uid
from setpoint.kube.resources import (
    CONTROLLER_REVISIONS,
    DEPLOYMENTS,
    POD_DISRUPTION_BUDGETS,
    SERVICE_ACCOUNTS,
    SERVICES,
    Resource,
)
from tests.apiserver import CONFIG_MAPS, ApiServer
from tests.kube.builders import config_map, owner_reference, present

pytestmark = pytest.mark.apiserver

OWNER = "0d5a3c8e-0000-4000-8000-000000000001"
OTHER = "0d5a3c8e-0000-4000-8000-000000000002"


class Recorder:
    """An applier whose requests and observations are kept."""

    def __init__(self, server: ApiServer) -> None:
        self.requests: list[Request] = []
        self.observed: list[tuple[Resource, Object]] = []
        self.client: KubeClient = server.client(on_request=self.requests.append)
        self.applier = Applier(
            self.client,
            owner=CONFIG_MAPS,
            field_manager="setpoint",
            hash_annotation="example.dev/manifest-hash",
            observe=lambda resource, obj: self.observed.append((resource, obj)),
        )

    async def reconcile(
        self, desired: Object, live: Object | None, resource: Resource = CONFIG_MAPS
    ) -> Object | None:
        del self.requests[:]
        return await self.applier.reconcile(resource, desired, live, controller_uid(desired) or "")

    @property
    def verbs(self) -> list[str]:
        return [request.verb for request in self.requests]


@pytest.fixture
async def applier(api_server: ApiServer) -> AsyncIterator[Recorder]:
    recorder = Recorder(api_server)
    yield recorder
    await recorder.client.close()


def desired(namespace: str, **data: str) -> Object:
    return config_map(namespace=namespace, owner_uid=OWNER, data=data or {"a": "1"})


def deployment(namespace: str) -> Object:
    container = {
        "name": "main",
        "image": "engine:1",
        "env": [{"name": "EMPTY", "value": ""}],
        "ports": [{"containerPort": 8000}],
        "resources": {"limits": {"cpu": "1000m", "memory": 1073741824}, "requests": {"cpu": "0.5"}},
        "volumeMounts": [{"name": "shm", "mountPath": "/shm"}],
    }
    pod = {
        "containers": [container],
        "hostNetwork": False,
        "securityContext": {},
        "volumes": [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "1024Mi"}}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "chat", "namespace": namespace, "ownerReferences": [owner_reference(OWNER)]},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": "chat"}},
            "template": {"metadata": {"labels": {"app": "chat"}}, "spec": pod},
        },
    }


def child(namespace: str, resource: Resource, **fields: object) -> Object:
    """An object of ours of any kind."""
    metadata = {"name": "chat", "namespace": namespace, "ownerReferences": [owner_reference(OWNER)]}
    return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata, **fields}


def service(namespace: str) -> Object:
    return child(namespace, SERVICES, spec={"selector": {"app": "chat"}, "ports": [{"port": 80}]})


async def test_an_absent_object_is_created_and_the_cache_is_told(applier: Recorder, namespace: str) -> None:
    written = present(await applier.reconcile(desired(namespace), None))
    assert written["data"] == {"a": "1"}
    assert applier.verbs == ["get", "apply"]
    assert applier.observed == [(CONFIG_MAPS, written)]


async def test_an_unchanged_object_costs_no_request(applier: Recorder, namespace: str) -> None:
    written = present(await applier.reconcile(desired(namespace), None))
    assert await applier.reconcile(desired(namespace), written) is None
    assert applier.verbs == []


async def test_a_deployment_as_the_api_server_stores_it_is_unchanged(
    applier: Recorder, namespace: str
) -> None:
    written = present(await applier.reconcile(deployment(namespace), None, DEPLOYMENTS))
    assert written["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"] != {
        "cpu": "1000m",
        "memory": 1073741824,
    }
    assert await applier.reconcile(deployment(namespace), written, DEPLOYMENTS) is None
    assert applier.verbs == []


async def test_drift_is_put_right_in_one_write(applier: Recorder, kube: KubeClient, namespace: str) -> None:
    await applier.reconcile(desired(namespace), None)
    drifted = await kube.apply(
        CONFIG_MAPS,
        namespace,
        "settings",
        config_map(namespace=namespace, data={"a": "2"}),
        field_manager="somebody",
    )
    written = present(await applier.reconcile(desired(namespace), drifted))
    assert written["data"] == {"a": "1"}
    assert applier.verbs == ["apply"]


async def test_a_key_that_somebody_adds_to_a_selector_is_taken_out(
    applier: Recorder, kube: KubeClient, namespace: str
) -> None:
    ours = present(await applier.reconcile(service(namespace), None, SERVICES))
    selector = {"app": "chat", "added": "x"}
    drifted = await kube.replace(
        SERVICES, namespace, "chat", ours | {"spec": ours["spec"] | {"selector": selector}}
    )
    written = present(await applier.reconcile(service(namespace), drifted, SERVICES))
    assert written["spec"]["selector"] == {"app": "chat"}
    assert await applier.reconcile(service(namespace), written, SERVICES) is None


async def test_a_field_that_is_not_rendered_any_more_is_removed(applier: Recorder, namespace: str) -> None:
    before = present(await applier.reconcile(desired(namespace, a="1", b="2"), None))
    written = present(await applier.reconcile(desired(namespace, a="1"), before))
    assert written["data"] == {"a": "1"}
    assert await applier.reconcile(desired(namespace, a="1"), written) is None


async def test_what_the_cache_has_not_seen_yet_is_read_and_not_written_again(
    applier: Recorder, namespace: str
) -> None:
    written = present(await applier.reconcile(desired(namespace), None))
    assert await applier.reconcile(desired(namespace), None) is None
    assert applier.verbs == ["get"]
    assert applier.observed[-1] == (CONFIG_MAPS, written)


@pytest.mark.parametrize("owner", [None, OTHER])
async def test_somebody_elses_object_of_that_name_is_never_touched(
    applier: Recorder, kube: KubeClient, namespace: str, owner: str | None
) -> None:
    theirs = config_map(namespace=namespace, owner_uid=owner, data={"theirs": "1"})
    before = await kube.create(CONFIG_MAPS, namespace, theirs)
    with pytest.raises(Foreign, match=f"ConfigMap {namespace}/settings exists") as raised:
        await applier.reconcile(desired(namespace), None)
    assert (raised.value.kind, raised.value.name) == ("ConfigMap", "settings")
    assert applier.verbs == ["get"]
    assert await kube.get(CONFIG_MAPS, namespace, "settings") == before


async def test_an_object_that_somebody_made_instead_of_the_cached_one_is_never_touched(
    applier: Recorder, kube: KubeClient, namespace: str
) -> None:
    cached = present(await applier.reconcile(desired(namespace), None))
    await kube.delete(CONFIG_MAPS, namespace, "settings", uid=cached["metadata"]["uid"])
    theirs = await kube.create(CONFIG_MAPS, namespace, config_map(namespace=namespace, data={"theirs": "1"}))
    with pytest.raises(Conflict):
        await applier.reconcile(desired(namespace, a="2"), cached)
    assert await kube.get(CONFIG_MAPS, namespace, "settings") == theirs


async def test_the_message_names_the_owner_and_what_to_do(
    applier: Recorder, kube: KubeClient, namespace: str
) -> None:
    theirs = child(namespace, SERVICE_ACCOUNTS)
    theirs["metadata"]["ownerReferences"] = [owner_reference(OTHER) | {"name": "talk"}]
    await kube.create(SERVICE_ACCOUNTS, namespace, theirs)
    with pytest.raises(
        Foreign, match=r"controlled by InferenceService talk: delete it, or choose another name$"
    ) as raised:
        await applier.reconcile(child(namespace, SERVICE_ACCOUNTS), None, SERVICE_ACCOUNTS)
    assert not raised.value.of_namesake


async def test_what_a_deleted_namesake_of_the_owner_leaves_is_to_be_waited_for(
    applier: Recorder, kube: KubeClient, namespace: str
) -> None:
    theirs = config_map(namespace=namespace, owner_uid=OTHER)
    await kube.create(CONFIG_MAPS, namespace, theirs)
    with pytest.raises(
        Foreign, match=r"controlled by an earlier InferenceService chat: wait until it is gone$"
    ) as raised:
        await applier.reconcile(desired(namespace), None)
    assert raised.value.of_namesake


@pytest.mark.parametrize(
    ("resource", "fields"),
    [
        (SERVICE_ACCOUNTS, {}),
        (CONTROLLER_REVISIONS, {"revision": 1, "data": {"a": "1"}}),
        (SERVICES, {"spec": {"ports": [{"port": 80}]}}),
        (POD_DISRUPTION_BUDGETS, {"spec": {"maxUnavailable": 1}}),
    ],
    ids=lambda value: value.kind if isinstance(value, Resource) else "",
)
async def test_an_object_that_somebody_makes_between_look_and_write_is_not_adopted(
    applier: Recorder, kube: KubeClient, namespace: str, resource: Resource, fields: Object
) -> None:
    ours = child(namespace, resource, **fields)
    theirs = ours | {"metadata": {"name": "chat", "namespace": namespace}}
    look = applier.client.get

    async def look_before_somebody_creates(*address: Any) -> Object | None:
        seen = await look(*address)
        await kube.create(resource, namespace, theirs)
        return seen

    applier.client.get = look_before_somebody_creates  # type: ignore[assignment, method-assign]
    with pytest.raises(Conflict):
        await applier.reconcile(ours, None, resource)
    live = present(await kube.get(resource, namespace, "chat"))
    assert "ownerReferences" not in live["metadata"]
    assert "annotations" not in live["metadata"]

    applier.client.get = look  # type: ignore[method-assign]
    with pytest.raises(Foreign):
        await applier.reconcile(ours, None, resource)


async def test_an_object_that_was_deleted_behind_the_cache_is_not_brought_back_blindly(
    applier: Recorder, kube: KubeClient, namespace: str
) -> None:
    cached = present(await applier.reconcile(desired(namespace), None))
    await kube.delete(CONFIG_MAPS, namespace, "settings", uid=cached["metadata"]["uid"])
    with pytest.raises(Conflict):
        await applier.reconcile(desired(namespace, a="2"), cached)
    assert await applier.reconcile(desired(namespace, a="2"), None) is not None


def labelled(namespace: str, name: str = "chat", *, owner_uid: str = OWNER) -> Object:
    return config_map(namespace=namespace, owner_uid=owner_uid, labels={"service": name})


async def owner_of_children(kube: KubeClient, namespace: str) -> Object:
    """The owner that `owner_reference` names; it stays, marked, when it is deleted."""
    owner = config_map("chat", namespace=namespace)
    owner["metadata"]["finalizers"] = ["example.dev/orphan"]
    return await kube.create(CONFIG_MAPS, namespace, owner)


async def changed(kube: KubeClient, live: Object, **metadata: Any) -> Object:
    """Set fields of an object's metadata; None takes one away."""
    fields = {name: value for name, value in (live["metadata"] | metadata).items() if value is not None}
    return await kube.replace(CONFIG_MAPS, fields["namespace"], fields["name"], {**live, "metadata": fields})


async def orphaned(kube: KubeClient, live: Object) -> Object:
    """Take an object's owner references away."""
    return await changed(kube, live, ownerReferences=None)


async def test_an_object_of_ours_that_lost_its_owner_is_taken_back(
    applier: Recorder, kube: KubeClient, namespace: str
) -> None:
    uid = (await owner_of_children(kube, namespace))["metadata"]["uid"]
    written = present(await applier.reconcile(labelled(namespace, owner_uid=uid), None))
    await orphaned(kube, written)

    again = present(await applier.reconcile(labelled(namespace, owner_uid=uid), None))

    assert again["metadata"]["uid"] == written["metadata"]["uid"]
    assert [owner["uid"] for owner in again["metadata"]["ownerReferences"]] == [uid]
    assert applier.verbs == ["get", "get", "apply"]


@pytest.mark.parametrize("fate", ["going", "gone", "made anew"])
async def test_an_orphan_is_not_taken_back_for_an_owner_whose_deletion_the_cache_has_not_seen(
    applier: Recorder, kube: KubeClient, namespace: str, fate: str
) -> None:
    owner = await owner_of_children(kube, namespace)
    uid = owner["metadata"]["uid"]
    orphan = await orphaned(kube, present(await applier.reconcile(labelled(namespace, owner_uid=uid), None)))
    await kube.delete(CONFIG_MAPS, namespace, "chat", uid=uid)
    if fate != "going":
        going = present(await kube.get(CONFIG_MAPS, namespace, "chat"))
        await changed(kube, going, finalizers=None)
    if fate == "made anew":
        await owner_of_children(kube, namespace)

    with pytest.raises(Conflict, match=f"chat of uid {uid} is gone or going"):
        await applier.reconcile(labelled(namespace, owner_uid=uid), None)

    assert await kube.get(CONFIG_MAPS, namespace, "settings") == orphan


async def test_an_object_of_ours_that_somebody_else_owns_now_is_left_alone(
    applier: Recorder, kube: KubeClient, namespace: str
) -> None:
    written = present(await applier.reconcile(labelled(namespace), None))
    await changed(kube, written, ownerReferences=[owner_reference(OTHER, controller=False)])

    with pytest.raises(Foreign):
        await applier.reconcile(labelled(namespace), None)


async def test_an_orphan_that_is_being_deleted_is_left_to_go(
    applier: Recorder, kube: KubeClient, namespace: str
) -> None:
    uid = (await owner_of_children(kube, namespace))["metadata"]["uid"]
    written = present(await applier.reconcile(labelled(namespace, owner_uid=uid), None))
    await changed(kube, written, ownerReferences=None, finalizers=["example.dev/wait"])
    await kube.delete(CONFIG_MAPS, namespace, "settings", uid=written["metadata"]["uid"])

    with pytest.raises(Foreign, match="is being deleted: wait until it is gone"):
        await applier.reconcile(labelled(namespace, owner_uid=uid), None)


async def test_an_object_without_owner_that_bears_other_labels_is_left_alone(
    applier: Recorder, kube: KubeClient, namespace: str
) -> None:
    written = present(await applier.reconcile(labelled(namespace, "other"), None))
    await orphaned(kube, written)

    with pytest.raises(Foreign):
        await applier.reconcile(labelled(namespace), None)


async def test_an_object_without_owner_that_only_bears_our_labels_is_left_alone(
    applier: Recorder, kube: KubeClient, namespace: str
) -> None:
    await kube.create(CONFIG_MAPS, namespace, config_map(namespace=namespace, labels={"service": "chat"}))

    with pytest.raises(Foreign):
        await applier.reconcile(labelled(namespace), None)
