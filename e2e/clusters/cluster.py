"""What every provider offers."""

from pathlib import Path
from typing import Protocol


class ClusterError(Exception):
    """A cluster cannot do what was asked: one line that names the remedy, then perhaps a log's tail."""


class Cluster(Protocol):
    """A Kubernetes cluster that can be brought up, filled with images, and taken down."""

    name: str

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig; the file is there while the cluster is up."""
        ...

    @property
    def kubectl(self) -> Path:
        """A kubectl that fits the cluster. Raises ClusterError where there is none."""
        ...

    def check(self) -> None:
        """See, in a moment, that nothing is missing which `up` needs. Raises ClusterError."""
        ...

    def clear_remains(self) -> None:
        """Take away what a run that was killed has left; a cluster that is up stays. Raises ClusterError."""
        ...

    def up(self) -> None:
        """Bring the cluster up; says so and returns at once when it already is. Raises ClusterError."""
        ...

    def down(self) -> None:
        """Take the cluster and everything it made away; fine when there is none. Raises ClusterError."""
        ...

    def is_up(self) -> bool:
        """Whether the API server answers and the nodes are Ready."""
        ...

    def load_image(self, archive: Path, reference: str) -> None:
        """Put the image `reference` of an OCI or docker archive onto every node.

        Pods must not use `imagePullPolicy: Always`. Raises ClusterError, also when the archive does not hold
        that reference.
        """
        ...
