"""The plugin as a pod has it: a folder of files on PYTHONPATH."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from setpoint.engines import vllm_plugin


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path, text in vllm_plugin.files().items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    return tmp_path


def python(folder: Path, program: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd="/", capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize("group", ["vllm.general_plugins", "vllm.stat_logger_plugins"])
def test_python_finds_what_vllm_is_to_load(folder: Path, group: str) -> None:
    program = f"""
from importlib.metadata import entry_points
print([each.name for each in entry_points(group={group!r})])
"""
    assert python(folder, program) == "['setpoint']\n"


def test_the_middleware_is_imported_from_the_folder(folder: Path) -> None:
    module, _, name = vllm_plugin.MIDDLEWARE.partition("=")[2].rpartition(".")
    program = f"import {module} as it; print(it.__file__, callable(it.{name}))"

    assert python(folder, program) == f"{folder}/setpoint_vllm/middleware.py True\n"


def test_a_config_map_holds_every_file_under_a_key_of_its_own() -> None:
    keys = [vllm_plugin.config_map_key(path) for path in vllm_plugin.files()]

    assert len(set(keys)) == len(keys)
    assert sum(len(text.encode()) for text in vllm_plugin.files().values()) < 2**20
