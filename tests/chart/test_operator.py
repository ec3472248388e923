"""The operator as the chart starts it: with its settings, its arguments, and no right but its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from setpoint.kube.client import KubeClient
from setpoint.kube.permissions import LEASE_NAME
from setpoint.kube.resources import (
    CONTROLLER_REVISIONS,
    DEPLOYMENTS,
    INFERENCE_SERVICES,
    LEASES,
    POD_DISRUPTION_BUDGETS,
    SERVICE_ACCOUNTS,
    SERVICES,
)
from tests.apiserver import ApiServer, until
from tests.chart import cluster, helm

pytestmark = pytest.mark.apiserver

ROOT = Path(__file__).parents[2]
CHILDREN = (SERVICE_ACCOUNTS, SERVICES, DEPLOYMENTS, POD_DISRUPTION_BUDGETS, CONTROLLER_REVISIONS)
IDENTITY = "operator-of-the-test"


def kubeconfig_of_the_operator(api_server: ApiServer) -> dict[str, Any]:
    """Credentials of the chart's ServiceAccount."""
    token = cluster.kubectl(api_server, "create", "token", "setpoint", "--namespace", helm.NAMESPACE)
    config: dict[str, Any] = yaml.safe_load(api_server.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token.strip()}
    return config


@pytest.fixture
def operator(installed: ApiServer, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The operator, started with what the chart gives it."""
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(kubeconfig_of_the_operator(installed)))
    objects = helm.render()
    settings = helm.pick(objects, "ConfigMap", "setpoint-settings")["data"]["settings.yaml"]
    (tmp_path / "settings.yaml").write_text(settings)
    (container,) = helm.pick(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "kopf", "run", "--all-namespaces", *container["args"]],
            cwd=ROOT,
            env=os.environ
            | {
                "KUBECONFIG": str(tmp_path / "kubeconfig"),
                "POD_NAME": IDENTITY,
                "POD_NAMESPACE": helm.NAMESPACE,
                "SETPOINT_SETTINGS_FILE": str(tmp_path / "settings.yaml"),
            },
            stdout=log,
            stderr=log,
            text=True,
        )
        yield process
        process.kill()
        process.wait()


async def test_the_operator_does_its_work_with_the_charts_rights(
    operator: subprocess.Popen[str], kube: KubeClient, namespace: str, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    service = {
        "apiVersion": INFERENCE_SERVICES.api_version,
        "kind": INFERENCE_SERVICES.kind,
        "metadata": {"name": "chat", "namespace": namespace},
        "spec": {"model": {"uri": "hf://example/model"}},
    }
    await kube.create(INFERENCE_SERVICES, namespace, service)

    async def served() -> bool:
        assert operator.poll() is None, log.read_text()
        live = await kube.get(INFERENCE_SERVICES, namespace, "chat") or {}
        owners = [await owned_by(kube, resource, live["metadata"]["uid"]) for resource in CHILDREN]
        return all(owners) and bool(live.get("status", {}).get("conditions"))

    try:
        await until(served)
    except TimeoutError:
        pytest.fail(log.read_text())
    assert await holder(kube) == IDENTITY

    operator.terminate()
    assert operator.wait(timeout=20) == 0
    assert await holder(kube) == ""
    assert "orbidden" not in log.read_text()


async def test_an_object_nested_as_deep_as_can_be_is_refused_and_stops_no_other(
    operator: subprocess.Popen[str], installed: ApiServer, kube: KubeClient, namespace: str, tmp_path: Path
) -> None:
    depth = 9_000
    template = '{"a":' * depth + "1" + "}" * depth
    for name, value in (("deep", template), ("plain", "{}")):
        manifest = (
            f'{{"apiVersion":"{INFERENCE_SERVICES.api_version}","kind":"{INFERENCE_SERVICES.kind}",'
            f'"metadata":{{"name":"{name}"}},'
            f'"spec":{{"model":{{"uri":"hf://example/model"}},"template":{value}}}}}'
        )
        path = f"{INFERENCE_SERVICES.path(namespace)}?fieldManager=user"
        cluster.kubectl(installed, "create", "--raw", path, "-f", "-", manifest=manifest)
    columns = "custom-columns=:metadata.name,:status.conditions[*].reason"

    def told() -> bool:
        assert operator.poll() is None, (tmp_path / "log").read_text()
        found = cluster.kubectl(
            installed, "--namespace", namespace, "get", "infsvc", "--no-headers", "-o", columns
        )
        rows = dict(line.split(maxsplit=1) for line in found.splitlines())
        return "InvalidTemplate" in rows["deep"] and "RollingOut" in rows["plain"]

    try:
        await until(told)
    finally:
        # Other tests of this API server list all namespaces, in processes that cannot decode it.
        cluster.kubectl(installed, "--namespace", namespace, "delete", "infsvc", "deep")


async def owned_by(kube: KubeClient, kind: Any, uid: str) -> bool:
    """Whether there is an object of the kind that the owner controls."""
    objects, _ = await kube.list(kind)
    return any(
        owner["uid"] == uid for item in objects for owner in item["metadata"].get("ownerReferences", [])
    )


async def holder(kube: KubeClient) -> str:
    """Who holds the operator's Lease."""
    lease = await kube.get(LEASES, helm.NAMESPACE, LEASE_NAME)
    return str((lease or {}).get("spec", {}).get("holderIdentity"))
