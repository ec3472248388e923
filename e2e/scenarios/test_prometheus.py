"""The Prometheus that the chart installs knows each engine of Setpoint's, and nobody else."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from e2e.installation import prometheus_url, wait_until
from e2e.prometheus import api
from e2e.scenarios.world import CHAT, World

pytestmark = pytest.mark.e2e


@pytest.fixture
def prometheus(world: World) -> Iterator[str]:
    """Its URL."""
    with prometheus_url(world.kubectl) as url:
        yield url


def good_requests(url: str, world: World) -> dict[str, float]:
    """Of the service, by the pod that answered them, as far as Prometheus has seen."""
    labels = f'namespace="{world.namespace}",setpoint_service="{CHAT}",verdict="good"'
    found = api.query(url, f"setpoint_requests_total{{{labels}}}")
    return {each.labels["pod"]: each.value for each in found}


def targets(url: str, world: World) -> dict[str, str]:
    """What Prometheus scrapes in the namespace: by the pod, how the last time went."""
    labels = ((each["labels"], each["health"]) for each in api.targets(url))
    return {each["pod"]: health for each, health in labels if each["namespace"] == world.namespace}


def names(world: World) -> list[str]:
    """Of the engine's pods."""
    return [pod["metadata"]["name"] for pod in world.pods()]


def impostor(engine: dict[str, Any]) -> dict[str, Any]:
    """A pod of somebody else's, which looks like this pod of an engine but for the label that says so."""
    (main,) = engine["spec"]["containers"]
    container = {name: main[name] for name in ("name", "image", "ports", "securityContext")}
    container["command"] = ["python3", "-m", "http.server", str(main["ports"][0]["containerPort"])]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "impostor",
            "labels": engine["metadata"]["labels"] | {"app.kubernetes.io/component": "web"},
        },
        "spec": {
            "containers": [container],
            "securityContext": engine["spec"]["securityContext"],
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 1,
        },
    }


def test_a_request_is_counted_for_its_service_and_pod(prometheus: str, world: World) -> None:
    world.apply(world.service())
    world.wait_until_complete()

    world.chat()

    (pod,) = names(world)
    wait_until("the request is counted", lambda: good_requests(prometheus, world) == {pod: 1.0})
    assert "SetpointPromiseBroken" in api.alerts(prometheus)


def test_a_pod_with_a_key_is_scraped_and_so_is_its_successor_and_no_other_pod(
    prometheus: str, world: World
) -> None:
    world.run("create", "secret", "generic", "keys", "--from-literal=api=s3cret")
    world.apply(world.service(engine=world.engine(apiKeySecretRef={"name": "keys", "key": "api"})))
    world.wait_until_complete()
    world.run("apply", "-f", "-", given=json.dumps(impostor(world.pods()[0])))
    world.run("wait", "pod/impostor", "--for=condition=Ready", "--timeout=60s")
    (old,) = (name for name in names(world) if name != "impostor")

    wait_until("the engine is scraped", lambda: good_requests(prometheus, world) == {old: 0.0})
    assert targets(prometheus, world) == {old: "up"}

    world.run("delete", "pod", old)
    world.wait_until_complete()
    (new,) = (name for name in names(world) if name not in ("impostor", old))
    wait_until("only its successor is scraped", lambda: targets(prometheus, world) == {new: "up"})
    wait_until("it is known", lambda: good_requests(prometheus, world) == {new: 0.0})
