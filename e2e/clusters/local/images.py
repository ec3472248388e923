"""Images into containerd: from an archive, by `ctr` over the socket in the state directory."""

import hashlib
import subprocess
from pathlib import Path

from e2e.clusters.cluster import ClusterError
from e2e.clusters.local.paths import CONTAINERD_SOCKET, LOADED


def load(programs: Path, archive: Path, reference: str) -> None:
    """Import `archive`, once, and see that it held `reference`. Raises ClusterError."""
    if not archive.is_file():
        raise ClusterError(
            f"image archive {str(archive)!r} is not a file: build it first (python -m e2e.images)"
        )
    found = archive.stat()
    identity = f"{archive.resolve()} {found.st_size} {found.st_mtime_ns}"
    record = LOADED / hashlib.sha256(reference.encode()).hexdigest()
    if record.exists() and record.read_text() == identity and reference in _names(programs):
        return
    _ctr(programs, "import", str(archive))
    names = _names(programs)
    if reference not in names:
        raise ClusterError(f"{archive} does not hold {reference!r}: use one of {', '.join(sorted(names))}")
    LOADED.mkdir(exist_ok=True)
    record.write_text(identity)


def _names(programs: Path) -> set[str]:
    return {name for name in _ctr(programs, "list", "--quiet").split() if not name.startswith("sha256:")}


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
            f"ctr images {arguments[0]} failed: see that the cluster is up and the disk is not full\n"
            f"{run.stderr.strip()}"
        )
    return run.stdout
