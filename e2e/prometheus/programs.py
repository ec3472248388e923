"""`prometheus` and `promtool`, built once into a cache keyed by everything that shapes them."""

import shutil
from pathlib import Path

from e2e.clusters.local import gobuild
from e2e.clusters.local.binaries import Target, cache_key
from e2e.clusters.local.lock import exclusive
from e2e.clusters.local.paths import CACHE
from e2e.clusters.local.whole import whole
from e2e.clusters.progress import say
from e2e.prometheus.chart import version

SOURCES = Path(__file__).parent / "go/server"
_COMMANDS = "github.com/prometheus/prometheus/cmd"
_PREFIX = "prometheus-"


def target() -> Target:
    """What is built. It tells its version by its API, as the released one does."""
    stamp = f"-X github.com/prometheus/common/version.Version={version().removeprefix('v')}"
    return Target(
        f"Prometheus {version()}",
        ".",
        (f"{_COMMANDS}/prometheus", f"{_COMMANDS}/promtool"),
        ("-ldflags", f"-s -w {stamp}", "-tags", "remove_all_sd,enable_kubernetes_sd"),
        "",
    )


def find() -> Path | None:
    """The folder of both programs if they are built, or None. Raises ClusterError for an unfit Go."""
    directory = _directory()
    return directory if directory.is_dir() else None


def ensure() -> Path:
    """The folder of both programs, which are built first where they are missing. Raises ClusterError."""
    found = find()
    if found is not None:
        return found
    with exclusive(CACHE, "Prometheus build"):
        return find() or _build(_directory())


def _directory() -> Path:
    return CACHE / f"{_PREFIX}{cache_key(SOURCES, (target(),), gobuild.compiler(SOURCES))}"


def _build(directory: Path) -> Path:
    """Build into `directory`, and delete what was there of other versions."""
    say("build: Prometheus, once for all clusters")
    built = target()
    with whole(directory) as unfinished:
        gobuild.build(f"build {built.title}", SOURCES, built.packages, built.flags, output=unfinished)
    for other in CACHE.glob(f"{_PREFIX}*"):
        if other != directory:
            shutil.rmtree(other)
    return directory
