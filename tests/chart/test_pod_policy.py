"""What of a pod the operator may change, on a real API server with the chart on it."""

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


@pytest.fixture(scope="module")
def pods(installed: ApiServer) -> Iterator[ApiServer]:
    """The API server with a pod of the operator's and one of somebody else's."""
    for manifest in (pod("ours", MANAGED), pod("theirs", {})):
        cluster.kubectl(installed, "apply", "-f", "-", manifest=json.dumps(manifest))
    yield installed
    cluster.kubectl(installed, "delete", "pod", "ours", "theirs", f"--namespace={helm.NAMESPACE}", "--now")


def patch(api_server: ApiServer, name: str, change: dict[str, Any]) -> str:
    """Patch a pod as the operator; what the API server says against it, empty when it is done."""
    done = subprocess.run(
        [
            str(tools.kubectl()),
            f"--kubeconfig={api_server.kubeconfig}",
            f"--as={OPERATOR}",
            f"--namespace={helm.NAMESPACE}",
            "patch",
            "pod",
            name,
            "--type=strategic",
            f"--patch={json.dumps(change)}",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr if done.returncode else ""


def metadata(**fields: Any) -> dict[str, Any]:
    return {"metadata": fields}


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "somebody else's pod": ("theirs", LIMITS, "only change pods that it manages"),
    "another annotation": ("ours", metadata(annotations={"team": "b"}), "no annotation of a pod but"),
    "one more annotation": ("ours", metadata(annotations={"new": "b"}), "no annotation of a pod but"),
    "one annotation less": ("ours", metadata(annotations={"team": None}), "no annotation of a pod but"),
    "a label": ("ours", metadata(labels={"app": "other"}), "nothing of a pod but an annotation"),
    "a finalizer": ("ours", metadata(finalizers=["example.com/x"]), "nothing of a pod but an annotation"),
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
