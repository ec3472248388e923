"""Files that the simulator's commands read: a model's config.json and fitted parameters."""

import json
from pathlib import Path
from typing import Any

from setpoint.cli.documents import DocumentError
from setpoint.simulator.model import ModelShape
from setpoint.simulator.parameters import Parameters, of_fit, of_fit_to


def read_model(path: str) -> ModelShape:
    """Read a model's config.json. Raises DocumentError that names file, key and what is wrong."""
    config = read_json(path)
    try:
        return ModelShape.from_config(config)
    except ValueError as error:
        raise DocumentError(f"{path}: {error}") from None


def read_parameters(path: str) -> tuple[str, Parameters]:
    """Read what `setpoint simulate fit` wrote: the GPU's name, and the parameters. Raises DocumentError."""
    try:
        return of_fit(read_json(path))
    except ValueError as error:
        raise DocumentError(f"{path}: {error}") from None


def read_parameters_for(gpu_name: str, path: str) -> Parameters:
    """Read a fit to this GPU. Raises DocumentError, also when it was to another."""
    try:
        return of_fit_to(gpu_name, read_json(path))
    except ValueError as error:
        raise DocumentError(f"{path}: {error}") from None


def read_json(path: str) -> dict[str, Any]:
    """Read a JSON object. Raises DocumentError when there is none."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DocumentError(f"{path}: cannot be read as JSON: {error}") from None
    if not isinstance(content, dict):
        raise DocumentError(f"{path}: is not a JSON object")
    return content
