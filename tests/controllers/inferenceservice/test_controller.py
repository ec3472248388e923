"""One reconcile on caches filled by hand, without an API server."""

from typing import Any

import pytest

from setpoint.controllers.inferenceservice import controller as module
from setpoint.controllers.inferenceservice.controller import InferenceServiceController
from setpoint.controllers.inferenceservice.observe import INDEX, WATCHED, index_terms
from setpoint.kube.errors import Forbidden
from setpoint.kube.objects import Object
from setpoint.kube.resources import DEPLOYMENTS, INFERENCE_SERVICES, PODS, Resource
from setpoint.kube.store import Store
from setpoint.orchestrations.deployment import MANAGED_BY, SERVICE_LABEL
from setpoint.settings import Settings
from tests.controllers.inferenceservice.builders import NAME, NAMESPACE, live_deployment, pod, service_object


class Recorder:
    """Stands for the API server: takes every write and remembers it."""

    def __init__(self, *refused: Resource) -> None:
        self._refused = refused
        self.writes: list[tuple[Resource, Object]] = []

    async def get(self, *_: object) -> None:
        return None

    async def apply(
        self, resource: Resource, _namespace: str, _name: str, manifest: Object, **_: Any
    ) -> Object:
        if resource in self._refused:
            raise Forbidden(403, "Forbidden", "a rule of this cluster")
        self.writes.append((resource, manifest))
        return manifest


class Cached:
    """Stands for an informer: holds what it is given."""

    def __init__(self, *objects: Object) -> None:
        self.store = Store({INDEX: index_terms})
        self.store.replace([self.store.freeze(each) for each in objects], 1)

    def observe_write(self, _written: Object) -> None:
        pass


def controller_of(api_server: Recorder) -> InferenceServiceController:
    informers = {resource: Cached() for resource in WATCHED} | {
        INFERENCE_SERVICES: Cached(service_object()),
        DEPLOYMENTS: Cached(labelled(live_deployment())),
        PODS: Cached(labelled(pod())),
    }
    return InferenceServiceController(
        api_server,  # type: ignore[arg-type]
        informers,  # type: ignore[arg-type]
        Settings(),
        now=lambda: "2026-01-01T00:00:00Z",
    )


def labelled(thing: Object) -> Object:
    labels = {SERVICE_LABEL: NAME, "app.kubernetes.io/managed-by": MANAGED_BY}
    return thing | {"metadata": thing["metadata"] | {"labels": labels}}


async def test_a_failure_of_our_own_is_told_in_a_condition_and_leaves_what_runs(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> None:
        raise KeyError("hf_secret")

    monkeypatch.setattr(module, "decide", fails)
    api_server = Recorder()
    controller = controller_of(api_server)

    settled = await controller.reconcile((NAMESPACE, NAME))

    assert not settled
    ((resource, written),) = api_server.writes
    assert resource is INFERENCE_SERVICES
    conditions = {each["type"]: each for each in written["status"]["conditions"]}
    assert (conditions["Accepted"]["status"], conditions["Accepted"]["reason"]) == ("False", "InternalError")
    assert conditions["Progressing"]["reason"] == "NotAccepted"
    assert written["status"]["replicaSummary"] == "0/1"
    assert "KeyError" in conditions["Accepted"]["message"]
    assert "hf_secret" not in str(written)
    assert "cannot be decided on" in caplog.text


async def test_a_pod_that_cannot_be_told_keeps_nothing_else_from_being_done() -> None:
    api_server = Recorder(PODS)

    settled = await controller_of(api_server).reconcile((NAMESPACE, NAME))

    assert not settled  # it is tried again
    assert [resource for resource, _ in api_server.writes][-2:] == [DEPLOYMENTS, INFERENCE_SERVICES]
    _, written = api_server.writes[-1]
    conditions = {each["type"]: each["status"] for each in written["status"]["conditions"]}
    assert conditions["Accepted"] == "True"
