from typing import Any

import pytest

from setpoint.api.inferenceservice import InferenceService
from setpoint.controllers.inferenceservice.volumes import awaited_volumes
from tests.controllers.inferenceservice.builders import pod, service_object

WAITING = (pod(ready=False, mounted=False, phase="Pending", waiting=("ContainerCreating", "")),)


def service(*volumes: dict[str, Any], kind: str = "containers", **spec: Any) -> InferenceService:
    """A service whose template has volumes, and a container that mounts them."""
    mounts = [{"name": volume["name"], "mountPath": f"/{volume['name']}"} for volume in volumes]
    template = {"spec": {"volumes": list(volumes), kind: [{"name": "main", "volumeMounts": mounts}]}}
    return InferenceService.model_validate(service_object(template=template, **spec))


@pytest.mark.parametrize(
    ("volume", "told"),
    [
        ({"name": "tls", "secret": {"secretName": "certificate"}}, "volume 'tls': Secret 'certificate'"),
        ({"name": "rules", "configMap": {"name": "router"}}, "volume 'rules': ConfigMap 'router'"),
        ({"name": "all", "projected": {"sources": [{"secret": {"name": "a"}}]}}, "volume 'all': Secret 'a'"),
        (
            {"name": "all", "projected": {"sources": [{"configMap": {"name": "b"}}]}},
            "volume 'all': ConfigMap 'b'",
        ),
        (
            {"name": "all", "projected": {"sources": [{"clusterTrustBundle": {"name": "c", "path": "p"}}]}},
            "volume 'all': ClusterTrustBundle 'c'",
        ),
        (
            {"name": "all", "projected": {"sources": [{"clusterTrustBundle": {"signerName": "s"}}]}},
            "volume 'all': ClusterTrustBundle (",
        ),
        (
            {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
            "volume 'data': persistentVolumeClaim",
        ),
        ({"name": "data", "csi": {"driver": "d"}}, "volume 'data': csi"),
        ({"name": "data", "image": {"reference": "r"}}, "volume 'data': image"),
        ({"name": "data", "ephemeral": {"volumeClaimTemplate": {}}}, "volume 'data': ephemeral"),
        (
            {"name": "data", "hostPath": {"path": "/srv/data", "type": "Directory"}},
            "volume 'data': folder '/srv/data'",
        ),
    ],
)
def test_a_pod_that_waits_for_its_volumes_is_explained_by_what_may_be_missing(
    volume: dict[str, Any], told: str
) -> None:
    problem = awaited_volumes(service(volume), WAITING)

    assert problem is not None
    assert problem.reason == "WaitingForVolumes"
    assert f"spec.template {told}" in problem.message
    assert "namespace 'team-a'" in problem.message


@pytest.mark.parametrize("uri", ["file:///models/llama", "pvc://models/llama"])
def test_a_model_that_is_mounted_may_be_what_is_missing(uri: str) -> None:
    problem = awaited_volumes(service(model={"uri": uri}), WAITING)

    assert problem is not None
    assert f"spec.model.uri: '{uri}'" in problem.message


@pytest.mark.parametrize(
    "volume",
    [
        {"name": "scratch", "emptyDir": {}},
        {"name": "tls", "secret": {"secretName": "certificate", "optional": True}},
        {"name": "rules", "configMap": {"name": "router", "optional": True}},
        {"name": "all", "projected": {"sources": [{"secret": {"name": "a", "optional": True}}]}},
        {"name": "all", "projected": {"sources": [{"configMap": {"name": "b", "optional": True}}]}},
        {"name": "all", "projected": {"sources": [{"clusterTrustBundle": {"name": "c", "optional": True}}]}},
        {"name": "labels", "downwardAPI": {"items": []}},
    ],
)
def test_what_nobody_can_miss_is_not_told(volume: dict[str, Any]) -> None:
    assert awaited_volumes(service(volume), WAITING) is None


def test_a_volume_of_an_init_container_is_waited_for_too() -> None:
    assert awaited_volumes(service({"name": "data", "csi": {"driver": "d"}}, kind="initContainers"), WAITING)


def test_a_volume_that_no_container_mounts_is_not_waited_for() -> None:
    volumes = [{"name": "tls", "secret": {"secretName": "certificate"}}]
    unused = InferenceService.model_validate(service_object(template={"spec": {"volumes": volumes}}))

    assert awaited_volumes(unused, WAITING) is None


def test_a_pod_past_its_volumes_or_on_its_way_out_waits_for_none() -> None:
    needy = service({"name": "tls", "secret": {"secretName": "certificate"}})

    assert awaited_volumes(needy, (pod(ready=False), pod(ready=False, mounted=False, leaving=True))) is None
