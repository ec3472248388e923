"""The cluster that KUBECONFIG points at: somebody else's, so it is used and never changed in its being."""

import os
import subprocess
from pathlib import Path

from e2e.clusters import kubectl
from e2e.clusters.cluster import ClusterError
from e2e.clusters.progress import say


class ExistingCluster:
    """Any cluster with a kubeconfig: KUBECONFIG, or else ~/.kube/config."""

    name = "existing"

    @property
    def kubeconfig(self) -> Path:
        path = Path(os.environ.get("KUBECONFIG") or Path.home() / ".kube/config")
        if not path.is_file():
            raise ClusterError(
                f"KUBECONFIG {str(path)!r} is not a file: point it at one cluster's kubeconfig"
            )
        return path

    @property
    def kubectl(self) -> Path:
        return kubectl.on_path()

    def check(self) -> None:
        if not self.is_up():
            raise ClusterError(
                f"the cluster of {self.kubeconfig} does not answer: check it with kubectl get nodes"
            )

    def clear_remains(self) -> None:
        """Nothing in it is ours to take away."""

    def up(self) -> None:
        self.check()
        say(f"cluster: using the existing one of {self.kubeconfig}")

    def down(self) -> None:
        say("cluster: an existing cluster is left as it is")

    def is_up(self) -> bool:
        answer = subprocess.run(
            [self.kubectl, "--kubeconfig", self.kubeconfig, "--request-timeout=10s", "get", "--raw=/readyz"],
            capture_output=True,
            check=False,
        )
        return answer.returncode == 0

    def load_image(self, archive: Path, reference: str) -> None:
        say(f"cluster: {reference} must already be where the nodes can pull it ({archive} was not loaded)")
