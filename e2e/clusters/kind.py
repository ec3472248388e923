"""A kind cluster, driven by kind's command line (https://kind.sigs.k8s.io)."""

import os
import shutil
import subprocess
from pathlib import Path

from e2e.clusters import kubectl
from e2e.clusters.cluster import ClusterError
from e2e.clusters.progress import say

CLUSTER_NAME = "setpoint-e2e"


def is_usable() -> bool:
    """Whether kind is installed and a Docker daemon answers."""
    if shutil.which("kind") is None or shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0


class KindCluster:
    """One kind node called setpoint-e2e-control-plane; Docker holds all its state."""

    name = "kind"

    @property
    def kubeconfig(self) -> Path:
        state_home = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state")
        return state_home / CLUSTER_NAME / "kubeconfig"

    @property
    def kubectl(self) -> Path:
        return kubectl.on_path()

    def check(self) -> None:
        kubectl.on_path()

    def clear_remains(self) -> None:
        if self._exists() and not self.is_up():
            say("cluster: taking away a kind cluster that does not answer")
            self.down()

    def up(self) -> None:
        self.check()
        if self.is_up():
            say("cluster: the kind cluster is already up")
            return
        self.clear_remains()
        self.kubeconfig.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            _kind(
                "create",
                "cluster",
                "--name",
                CLUSTER_NAME,
                "--kubeconfig",
                str(self.kubeconfig),
                "--wait",
                "180s",
            )
        except BaseException:
            self.down()
            raise

    def down(self) -> None:
        if shutil.which("kind") is not None:
            _kind("delete", "cluster", "--name", CLUSTER_NAME, "--kubeconfig", str(self.kubeconfig))
        shutil.rmtree(self.kubeconfig.parent, ignore_errors=True)

    def is_up(self) -> bool:
        if not self.kubeconfig.is_file():
            return False
        answer = subprocess.run(
            [self.kubectl, "--kubeconfig", self.kubeconfig, "wait", "node", "--all", "--for=condition=Ready"],
            capture_output=True,
            check=False,
        )
        return answer.returncode == 0

    def load_image(self, archive: Path, reference: str) -> None:
        say(f"cluster: loading {reference}")
        _kind("load", "image-archive", str(archive), "--name", CLUSTER_NAME)

    def _exists(self) -> bool:
        return CLUSTER_NAME in _kind("get", "clusters").split()


def _kind(*arguments: str) -> str:
    """Run kind, its progress to the terminal. Raises ClusterError."""
    if shutil.which("kind") is None:
        raise ClusterError(
            "kind is not on PATH: install it (https://kind.sigs.k8s.io) or set SETPOINT_CLUSTER=local"
        )
    run = subprocess.run(["kind", *arguments], stdout=subprocess.PIPE, text=True, check=False)
    if run.returncode:
        raise ClusterError(
            f"kind {arguments[0]} {arguments[1]} ended with status {run.returncode}: see its lines above"
        )
    return run.stdout
