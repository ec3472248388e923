"""Helm as the tests call it."""

import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from e2e import tools

CHART = Path(__file__).parents[2] / "charts/setpoint"
RELEASE = "setpoint"
NAMESPACE = "setpoint-system"

Values = Mapping[str, Any]
Object = dict[str, Any]


class HelmError(Exception):
    """Helm refused; the message is what it printed."""


def run(*arguments: str | Path, values: Values | None = None, kubeconfig: Path | None = None) -> str:
    """Run Helm and return what it printed. Raises HelmError."""
    with tempfile.TemporaryDirectory() as home:
        environment = {"HOME": home, "PATH": "/usr/bin:/bin"}
        if kubeconfig is not None:
            environment["KUBECONFIG"] = str(kubeconfig)
        command = [str(tools.helm()), *map(str, arguments)]
        if values is not None:
            file = Path(home) / "values.yaml"
            file.write_text(yaml.safe_dump(dict(values)))
            command += ["--values", str(file)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise HelmError(done.stdout + done.stderr)
    return done.stdout


def render_text(
    values: Values | None = None, *, namespace: str = NAMESPACE, kinds: Iterable[str] = ()
) -> str:
    """Render the chart without a cluster, for one that serves these kinds (GROUP/VERSION/KIND) too."""
    served = [f"--api-versions={kind}" for kind in kinds]
    return run("template", RELEASE, CHART, "--namespace", namespace, *served, values=values or {})


def render(
    values: Values | None = None, *, namespace: str = NAMESPACE, kinds: Iterable[str] = ()
) -> list[Object]:
    """Render the chart without a cluster, and parse what it gave."""
    text = render_text(values, namespace=namespace, kinds=kinds)
    return [document for document in yaml.safe_load_all(text) if document]


def pick(objects: Iterable[Object], kind: str, name: str = "setpoint") -> Object:
    """The one object of that kind and name."""
    (found,) = (item for item in objects if item["kind"] == kind and item["metadata"]["name"] == name)
    return found
