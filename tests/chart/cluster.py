"""A real API server with the chart on it."""

import json
import subprocess
from typing import Any

import yaml

from e2e import tools
from tests.apiserver import ApiServer
from tests.chart import helm as charts


def kubectl(api_server: ApiServer, *arguments: str, manifest: str | None = None) -> str:
    """Run kubectl; a warning of the API server is an error."""
    command = [
        str(tools.kubectl()),
        "--kubeconfig",
        str(api_server.kubeconfig),
        "--warnings-as-errors",
        *arguments,
    ]
    done = subprocess.run(command, input=manifest, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def live(api_server: ApiServer, *arguments: str) -> Any:
    """What `kubectl get` finds in the operator's namespace."""
    return json.loads(
        kubectl(api_server, "--namespace", charts.NAMESPACE, "get", *arguments, "--output=json")
    )


def helm(api_server: ApiServer, *arguments: Any, values: charts.Values | None = None) -> str:
    """Run Helm in the operator's namespace."""
    return charts.run(
        *arguments, "--namespace", charts.NAMESPACE, values=values, kubeconfig=api_server.kubeconfig
    )


def create_namespace(api_server: ApiServer) -> None:
    """Make the operator's namespace, where Pod Security admits only what the profile "restricted" does."""
    labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")}
    metadata = {"name": charts.NAMESPACE, "labels": labels}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    kubectl(api_server, "apply", "-f", "-", manifest=yaml.safe_dump(namespace))
