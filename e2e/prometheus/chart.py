"""What the chart says of the Prometheus that it installs."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parents[2] / "charts/setpoint"
NAME = "setpoint-prometheus"
"""Of all its objects."""
PORT = 9090


@cache
def _image() -> dict[str, Any]:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    image: dict[str, Any] = values["prometheus"]["server"]["image"]
    return image


def version() -> str:
    """Its version, as v3.2.1."""
    tag: str = _image()["tag"]
    return tag


def reference() -> str:
    """The name of its image."""
    return f"{_image()['registry']}/{_image()['repository']}:{version()}"
