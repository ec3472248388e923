"""Setpoint on a cluster: what the demo and the end-to-end tests install, and how."""

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e import images, tools
from e2e.clusters import Cluster, ClusterError
from e2e.clusters.progress import Progress
from e2e.fakes.gpu.manifests import manifests as gpu_manifests
from e2e.prometheus import chart

NAMESPACE = "setpoint-system"
RELEASE = "setpoint"
HUB_PORT = 8080
HUB_TOKEN = "hf_stand-in"


@dataclass(frozen=True)
class Kubectl:
    """kubectl against one cluster."""

    program: Path
    kubeconfig: Path

    def run(self, *arguments: str, given: str | None = None) -> str:
        """What kubectl prints. Raises ClusterError with what it complains of."""
        done = subprocess.run(
            [self.program, "--kubeconfig", self.kubeconfig, *arguments],
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise ClusterError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def apply(self, *manifests: dict[str, Any]) -> None:
        """Apply objects."""
        self.run(
            "apply",
            "-f",
            "-",
            given=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifests)}),
        )

    def get(self, *arguments: str) -> dict[str, Any]:
        """An object, or a list, as JSON."""
        found: dict[str, Any] = json.loads(self.run("get", *arguments, "-o", "json"))
        return found


def kubectl_for(cluster: Cluster) -> Kubectl:
    """The kubectl that fits a cluster."""
    return Kubectl(cluster.kubectl, cluster.kubeconfig)


def wait_until(what: str, holds: Callable[[], bool], *, seconds: float = 120) -> None:
    """Ask `holds` until it says yes. Raises ClusterError when it did not within `seconds`."""
    progress = Progress(what)
    while not holds():
        if progress.elapsed_seconds > seconds:
            raise ClusterError(f"{what}: not within {seconds:.0f} s")
        progress.update("waiting")
        time.sleep(0.2)
    progress.finish("done")


def install_operator(cluster: Cluster, image: images.Image, *values: str) -> None:
    """Install or upgrade the chart with this image; `values` are further `--set` arguments of helm."""
    repository, _, tag = image.reference.rpartition(":")
    registry, _, name = repository.partition("/")
    settings = (f"image.registry={registry}", f"image.repository={name}", *values)
    # An installation that was killed in the middle would be "in progress" for ever.
    pending = f"owner=helm,name={RELEASE},status in (pending-install,pending-upgrade,pending-rollback)"
    kubectl_for(cluster).run("delete", "secret", "--namespace", NAMESPACE, "--selector", pending)
    command = [str(tools.helm()), "upgrade", "--install", RELEASE, str(chart.CHART)]
    command += [
        "--kubeconfig",
        str(cluster.kubeconfig),
        "--namespace",
        NAMESPACE,
        "--create-namespace",
        "--wait",
        "--timeout",
        "3m",
    ]
    command += ["--set-string", f"image.tag={tag}"]
    command += [argument for setting in settings for argument in ("--set", setting)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ClusterError(f"helm: {done.stderr.strip()}")


def install_fake_gpus(kubectl: Kubectl, image: images.Image) -> None:
    """Let every node offer stand-in GPUs through the kubelet's device plugin API."""
    kubectl.apply(*gpu_manifests(image.reference))
    wait_until(
        "fake GPUs: nodes offer nvidia.com/gpu", lambda: all(_offers_gpus(node) for node in _nodes(kubectl))
    )


HUB_NAMESPACE = "hub"
HUB_URL = f"http://hub.{HUB_NAMESPACE}.svc"


def install_hub(kubectl: Kubectl, image: images.Image) -> None:
    """Run the stand-in for the Hugging Face Hub, and wait until it answers."""
    labels = {"app.kubernetes.io/name": "hub"}
    container = {
        "name": "hub",
        "image": image.reference,
        "env": [{"name": "FAKE_HUB_TOKEN", "value": HUB_TOKEN}],
        "command": ["python3", "-m", "e2e.fakes.hub", f"--port={HUB_PORT}"],
        "readinessProbe": {"tcpSocket": {"port": HUB_PORT}, "periodSeconds": 1},
    }
    kubectl.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HUB_NAMESPACE}},
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "hub", "namespace": HUB_NAMESPACE},
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
                },
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "hub", "namespace": HUB_NAMESPACE},
            "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": HUB_PORT}]},
        },
    )
    kubectl.run("rollout", "status", "deployment/hub", "--namespace", HUB_NAMESPACE, "--timeout=60s")


def _nodes(kubectl: Kubectl) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = kubectl.get("nodes")["items"]
    return nodes


def _offers_gpus(node: dict[str, Any]) -> bool:
    return int(node["status"]["allocatable"].get("nvidia.com/gpu", 0)) > 0


@contextmanager
def port_forward(kubectl: Kubectl, namespace: str, service: str, *, port: int = 80) -> Iterator[int]:
    """A port of 127.0.0.1 that leads to a Service, chosen by the system so that none can be taken."""
    command = [str(kubectl.program), f"--kubeconfig={kubectl.kubeconfig}", f"--namespace={namespace}"]
    command += ["port-forward", "--address=127.0.0.1", f"service/{service}", f":{port}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as forward:
        try:
            first = forward.stdout.readline() if forward.stdout else ""
            found = re.search(r"127\.0\.0\.1:(\d+)", first)
            if found is None:
                raise ClusterError("kubectl port-forward did not come up")
            yield int(found[1])
        finally:
            forward.terminate()


@contextmanager
def prometheus_url(kubectl: Kubectl) -> Iterator[str]:
    """The URL of the Prometheus that the chart has installed, as reached from here."""
    with port_forward(kubectl, NAMESPACE, chart.NAME, port=chart.PORT) as port:
        yield f"http://127.0.0.1:{port}"
