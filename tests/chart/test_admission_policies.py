"""Which pods and ConfigMaps the operator may change, on a real API server with the chart on it."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from e2e import tools
from tests.apiserver import ApiServer, until
from tests.chart import cluster, helm

pytestmark = pytest.mark.apiserver

OPERATOR = f"system:serviceaccount:{helm.NAMESPACE}:setpoint"
LIMITS = {"metadata": {"annotations": {"setpoint.dev/limits": "{}"}}}
MANAGED = {"app.kubernetes.io/managed-by": "setpoint"}


def pod(name: str, labels: dict[str, str]) -> dict[str, Any]:
    security = {
        "allowPrivilegeEscalation": False,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    metadata = {"name": name, "namespace": helm.NAMESPACE, "labels": labels, "annotations": {"team": "a"}}
    container = {"name": "main", "image": "example/engine:1", "securityContext": security}
    spec = {"automountServiceAccountToken": False, "containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def config_map(name: str, labels: dict[str, str]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": helm.NAMESPACE, "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


@pytest.fixture(scope="module")
def pods(installed: ApiServer) -> Iterator[ApiServer]:
    """The API server with a pod and a ConfigMap of the operator's, and those of somebody else."""
    for manifest in (
        pod("ours", MANAGED),
        pod("theirs", {}),
        config_map("ours", MANAGED),
        config_map("theirs", {}),
    ):
        cluster.kubectl(installed, "apply", "-f", "-", manifest=json.dumps(manifest))
    yield installed
    for kind in ("pod", "configmap"):
        cluster.kubectl(installed, "delete", kind, "ours", "theirs", f"--namespace={helm.NAMESPACE}", "--now")


def run_as_operator(api_server: ApiServer, *command: str) -> str:
    """Run kubectl as the operator; what the API server says against it, empty when it is done."""
    who = (f"--kubeconfig={api_server.kubeconfig}", f"--as={OPERATOR}", f"--namespace={helm.NAMESPACE}")
    done = subprocess.run([str(tools.kubectl()), *who, *command], capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


def patch(api_server: ApiServer, name: str, change: dict[str, Any]) -> str:
    """Patch a pod as the operator; likewise."""
    return run_as_operator(
        api_server, "patch", "pod", name, "--type=strategic", f"--patch={json.dumps(change)}"
    )


CONFIG_MAPS: dict[str, tuple[tuple[str, ...], str]] = {
    "change": (
        ("patch", "configmap", "theirs", '--patch={"data": {"a": "b"}}'),
        "ConfigMaps that it manages",
    ),
    "deletion": (("delete", "configmap", "theirs"), "only change and delete"),
    "adoption": (("label", "configmap", "theirs", "app.kubernetes.io/managed-by=setpoint"), "only change"),
    "release": (("label", "configmap", "ours", "app.kubernetes.io/managed-by-"), "only make and keep"),
    "creation": (("create", "configmap", "another"), "only make and keep"),
}


@pytest.mark.parametrize(("command", "message"), CONFIG_MAPS.values(), ids=CONFIG_MAPS)
async def test_no_config_map_but_its_own_is_the_operators(
    pods: ApiServer, command: tuple[str, ...], message: str
) -> None:
    await until(lambda: message in run_as_operator(pods, *command))


def metadata(**fields: Any) -> dict[str, Any]:
    return {"metadata": fields}


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "somebody else's pod": ("theirs", LIMITS, "only change pods that it manages"),
    "another annotation": ("ours", metadata(annotations={"team": "b"}), "no annotation of a pod but"),
    "one more annotation": ("ours", metadata(annotations={"new": "b"}), "no annotation of a pod but"),
    "one annotation less": ("ours", metadata(annotations={"team": None}), "no annotation of a pod but"),
    "a label": ("ours", metadata(labels={"app": "other"}), "nothing of a pod but an annotation"),
    "a finalizer": ("ours", metadata(finalizers=["example.com/x"]), "nothing of a pod but an annotation"),
    "an owner": (
        "ours",
        metadata(ownerReferences=[{"apiVersion": "v1", "kind": "ConfigMap", "name": "ours", "uid": "1-2-3"}]),
        "nothing of a pod but an annotation",
    ),
    "a toleration": (
        "ours",
        {"spec": {"tolerations": [{"key": "x", "operator": "Exists"}]}},
        "nothing of a pod but an annotation",
    ),
    "the image": (
        "ours",
        {"spec": {"containers": [{"name": "main", "image": "example/other:1"}]}},
        "nothing of a pod but an annotation",
    ),
}


@pytest.mark.parametrize(("name", "change", "message"), REFUSED.values(), ids=REFUSED)
async def test_no_other_change_of_a_pod_is_the_operators(
    pods: ApiServer, name: str, change: dict[str, Any], message: str
) -> None:
    # A policy is in force some moments after it was made.
    await until(lambda: message in patch(pods, name, change))


async def test_the_operator_sets_and_changes_the_limits_of_its_own_pod(pods: ApiServer) -> None:
    for text in ("{}", '{"generation": 2}'):
        assert patch(pods, "ours", metadata(annotations={"setpoint.dev/limits": text})) == ""
