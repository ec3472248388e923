"""The CustomResourceDefinitions of the Prometheus Operator, out of its Go module; nothing of it is built."""

import json
import os
import subprocess
from pathlib import Path

from e2e.clusters.cluster import ClusterError

SOURCES = Path(__file__).parent / "go/crds"
_MODULE = "github.com/prometheus-operator/prometheus-operator"
_KINDS = ("podmonitors", "prometheusrules")


def ensure() -> list[Path]:
    """The files of PodMonitor and PrometheusRule; 4 MB are fetched where they are not there yet.

    Raises ClusterError.
    """
    done = subprocess.run(
        ["go", "mod", "download", "-json", _MODULE],
        cwd=SOURCES,
        env=os.environ | {"GOFLAGS": "-mod=readonly"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = done.stdout + done.stderr
        raise ClusterError(f"{_MODULE} cannot be had: see that GOPROXY is reachable\n{said}")
    folder = Path(json.loads(done.stdout)["Dir"]) / "example/prometheus-operator-crd"
    return [folder / f"monitoring.coreos.com_{kind}.yaml" for kind in _KINDS]
