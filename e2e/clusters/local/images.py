"""Images into containerd: from an archive, by `ctr` over the socket in the state directory."""

import subprocess
from pathlib import Path

from e2e.clusters.cluster import ClusterError
from e2e.clusters.local.paths import CONTAINERD_SOCKET


def load(programs: Path, archive: Path, reference: str) -> None:
    """Import `archive` and see that it held `reference`. Raises ClusterError."""
    if not archive.is_file():
        raise ClusterError(
            f"image archive {str(archive)!r} is not a file: build it first (python -m e2e.images)"
        )
    _ctr(programs, "import", str(archive))
    names = _ctr(programs, "list", "--quiet").split()
    if reference not in names:
        raise ClusterError(f"{archive} does not hold {reference!r}: use one of {', '.join(sorted(names))}")


def _ctr(programs: Path, *arguments: str) -> str:
    command = (
        f"{programs}/ctr",
        f"--address={CONTAINERD_SOCKET}",
        "--namespace=k8s.io",
        "images",
        *arguments,
    )
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise ClusterError(
            f"ctr images {arguments[0]} failed: see that the cluster is up\n{run.stderr.strip()}"
        )
    return run.stdout
