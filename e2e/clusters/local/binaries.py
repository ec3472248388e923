"""The node's programs, built once from Go modules into a cache keyed by everything that shapes them."""

import hashlib
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from e2e.clusters.cluster import ClusterError
from e2e.clusters.local import gobuild
from e2e.clusters.local.lock import exclusive
from e2e.clusters.local.paths import CACHE
from e2e.clusters.local.whole import whole
from e2e.clusters.progress import say

SOURCES = Path(__file__).parent / "go"
LINK_NAMES = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubectl",
    "kubelet",
)
PREFIX = "kubernetes-"


@dataclass(frozen=True)
class Target:
    """One `go build`: the packages of one module that are built together."""

    title: str
    module: str
    packages: tuple[str, ...]
    flags: tuple[str, ...]
    output: str
    """A file name, or "" for one file a package, named as Go names it."""


def kubernetes_version() -> str:
    """The Kubernetes version of the lock file, as v1.2.3."""
    found = re.search(r"k8s\.io/kubernetes (v\S+)", (SOURCES / "node/go.mod").read_text())
    if found is None:
        raise ClusterError(
            "e2e/clusters/local/go/node/go.mod does not require k8s.io/kubernetes: restore the file"
        )
    return found[1]


def targets() -> tuple[Target, ...]:
    """What is built, in order. Kubernetes gets its version: clients cannot parse v0.0.0-master."""
    version = kubernetes_version()
    major, minor, _ = version.removeprefix("v").split(".", 2)
    values = {
        "k8s.io/component-base/version.gitVersion": version,
        "k8s.io/component-base/version.gitMajor": major,
        "k8s.io/component-base/version.gitMinor": minor,
        "k8s.io/client-go/pkg/version.gitVersion": version,
    }
    stamp = " ".join(f"-X {name}={value}" for name, value in values.items())
    containerd = "github.com/containerd/containerd/v2/cmd"
    return (
        Target(f"Kubernetes {version} and etcd", "node", (".",), ("-ldflags", f"-s -w {stamp}"), "node"),
        Target(
            "containerd",
            "runtime",
            (
                f"{containerd}/containerd",
                f"{containerd}/containerd-shim-runc-v2",
                f"{containerd}/ctr",
                "./pause",
            ),
            ("-ldflags", "-s -w", "-tags", "no_btrfs no_zfs no_devmapper"),
            "",
        ),
        Target("CoreDNS", "dns", (".",), ("-ldflags", "-s -w"), "coredns"),
    )


def cache_key(sources: Path, built: tuple[Target, ...], compiler: str) -> str:
    """A short hash of every source and lock file, the targets, and the compiler's version and platform."""
    digest = hashlib.sha256(f"{compiler}\n{built!r}\n{LINK_NAMES!r}\n".encode())
    for path in sorted(path for path in sources.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(sources)}\n{path.stat().st_size}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def find() -> Path | None:
    """The directory of the programs if they are built, or None. Raises ClusterError for an unfit Go."""
    directory = _directory()
    return directory / "bin" if directory.is_dir() else None


def ensure() -> Path:
    """The directory of the programs; builds them first where they are missing (about 17 minutes on 2 cores).

    Raises ClusterError when Go is missing, too old, or a build fails.
    """
    found = find()
    if found is not None:
        return found
    with exclusive(CACHE, "build"):
        return find() or _build(_directory())


def prune() -> None:
    """Delete what other sources, flags or compilers once built. Not while a cluster of theirs runs."""
    current = _directory()
    with exclusive(CACHE, "build"):
        for path in CACHE.glob(f"{PREFIX}*"):
            if path != current:
                shutil.rmtree(path)


def _directory() -> Path:
    compiler = gobuild.compiler(SOURCES / "runtime")
    return CACHE / f"{PREFIX}{cache_key(SOURCES, targets(), compiler)}"


def _build(directory: Path) -> Path:
    """Build all targets into `directory`."""
    built = targets()
    say("build: the node's programs, once for all clusters; with nothing cached about 17 minutes on 2 cores")
    with whole(directory) as unfinished:
        (unfinished / "bin").mkdir()
        for number, target in enumerate(built, start=1):
            gobuild.build(
                f"build {number}/{len(built)} {target.title}",
                SOURCES / target.module,
                target.packages,
                target.flags,
                output=unfinished / "bin" / target.output,
            )
        for name in LINK_NAMES:
            (unfinished / "bin" / name).symlink_to("node")
    return directory / "bin"
