"""The Prometheus that the chart installs, as it is rendered."""

from typing import Any

import yaml

from tests.chart import helm

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
