"""One reconcile on caches filled by hand, without an API server."""

from typing import Any

import pytest

from setpoint.controllers.inferenceservice import controller as module
from setpoint.controllers.inferenceservice.controller import InferenceServiceController
from setpoint.controllers.inferenceservice.observe import INDEX, WATCHED, index_terms
from setpoint.kube.objects import Object
from setpoint.kube.resources import DEPLOYMENTS, INFERENCE_SERVICES, PODS, Resource
from setpoint.kube.store import Store
from setpoint.orchestrations.deployment import MANAGED_BY, SERVICE_LABEL
from setpoint.settings import Settings
from tests.controllers.inferenceservice.builders import NAME, NAMESPACE, live_deployment, pod, service_object


class Recorder:
    """Stands for the API server: takes every write and remembers it."""

    def __init__(self) -> None:
        self.writes: list[tuple[Resource, Object]] = []

    async def apply(
        self, resource: Resource, _namespace: str, _name: str, manifest: Object, **_: Any
    ) -> Object:
        self.writes.append((resource, manifest))
        return manifest


class Cached:
    """Stands for an informer: holds what it is given."""

    def __init__(self, *objects: Object) -> None:
        self.store = Store({INDEX: index_terms})
        self.store.replace([self.store.freeze(each) for each in objects], 1)

    def observe_write(self, _written: Object) -> None:
        pass


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
    informers = {resource: Cached() for resource in WATCHED} | {
        INFERENCE_SERVICES: Cached(service_object()),
        DEPLOYMENTS: Cached(labelled(live_deployment())),
        PODS: Cached(labelled(pod())),
    }
    controller = InferenceServiceController(
        api_server,  # type: ignore[arg-type]
        informers,  # type: ignore[arg-type]
        Settings(),
        now=lambda: "2026-01-01T00:00:00Z",
    )

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
