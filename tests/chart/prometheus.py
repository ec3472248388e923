"""The Prometheus that the chart installs, as the tests look at it: rendered, and run on this machine."""

from pathlib import Path
from typing import Any

import yaml

from e2e.clusters.cluster import ClusterError
from e2e.prometheus import programs
from tests.chart import helm
from tests.tiers import missing

INSTALLED = {"prometheus": {"install": True}}
ALERTS = helm.CHART / "files/alerts.yaml"


def files(objects: list[helm.Object]) -> dict[str, str]:
    """Its configuration, by the names of the files."""
    data: dict[str, str] = helm.pick(objects, "ConfigMap", "setpoint-prometheus")["data"]
    return data


def config(objects: list[helm.Object]) -> dict[str, Any]:
    """What is in its configuration file."""
    parsed: dict[str, Any] = yaml.safe_load(files(objects)["prometheus.yaml"])
    return parsed


def built() -> Path:
    """The folder of the programs. Without them a test fails where its tier is required, else is skipped."""
    try:
        found = programs.find()
    except ClusterError:
        found = None
    if found is None:
        missing("prometheus", "no Prometheus is built: run `python -m e2e.prometheus` once")
    return found
