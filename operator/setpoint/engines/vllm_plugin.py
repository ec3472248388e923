"""The plugin `setpoint_vllm` as files of a pod, and how a container's environment takes them in.

The files stand in one folder that PYTHONPATH names: the package, and beside it the metadata by which Python
finds its entry points (importlib.metadata, any folder NAME.dist-info on sys.path).
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

FOLDER = "/opt/setpoint"
"""Where the files are mounted, read-only."""
MIDDLEWARE = "--middleware=setpoint_vllm.middleware.Setpoint"
"""The flag that switches the plugin on. vLLM takes it more than once, and the last is the outermost."""

FRONT_END = "VLLM_USE_RUST_FRONTEND"
"""The variable by which vLLM serves HTTP by its Rust front end, which loads no Python and no --middleware.
A whole number, 0 (off) where it is not set (vllm/envs.py of 0.26); there is no flag for it."""

_PACKAGE = "setpoint_vllm"
_METADATA = "setpoint_vllm-0.1.0.dist-info"
_HASH_LENGTH = 10


@cache
def files() -> Mapping[str, str]:
    """Return the text of each file by its path below FOLDER."""
    root = resources.files(_PACKAGE)
    modules = {
        f"{_PACKAGE}/{file.name}": file.read_text("utf-8")
        for file in root.iterdir()
        if file.name.endswith(".py")
    }
    metadata = {
        f"{_METADATA}/{file.name}": file.read_text("utf-8") for file in (root / "dist-info").iterdir()
    }
    return dict(sorted({**modules, **metadata}.items()))


@cache
def content_hash() -> str:
    """Return a short name of the files' content."""
    return hashlib.sha256(json.dumps(files()).encode()).hexdigest()[:_HASH_LENGTH]


def config_map_key(path: str) -> str:
    """Return the key of a file in a ConfigMap, where a key has no slash."""
    return path.replace("/", ".")


def is_readable(variable: Mapping[str, Any] | None) -> bool:
    """Return whether it is known here what a variable says: one that comes from elsewhere cannot be kept."""
    return variable is None or not variable.get("valueFrom")


def is_python_front_end(variable: Mapping[str, Any] | None) -> bool:
    """Return whether an engine surely has the front end that loads plugins, by its variable FRONT_END."""
    if variable is None:
        return True
    try:
        return int(variable.get("value") or "") == 0
    except ValueError:
        return False


def environment(present: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a container's variables with the plugin found by Python, and loaded by vLLM.

    PYTHONPATH keeps what it has, after our folder. VLLM_PLUGINS lists the only plugins that vLLM loads: where
    it is set, ours is added, and where it is not, it stays so. Values are as Kubernetes has them, $(NAME)
    unexpanded, and the order stays, since a variable may name those before it.
    """
    added = [] if any(each["name"] == "PYTHONPATH" for each in present) else [{"name": "PYTHONPATH"}]
    return [_with_plugin(each) for each in (*added, *present)]


def _with_plugin(variable: dict[str, Any]) -> dict[str, Any]:
    value = variable.get("value")
    if variable["name"] == "PYTHONPATH":
        return {"name": "PYTHONPATH", "value": f"{FOLDER}:{value}" if value else FOLDER}
    if variable["name"] == "VLLM_PLUGINS":
        return {"name": "VLLM_PLUGINS", "value": f"{value},setpoint" if value else "setpoint"}
    return variable
