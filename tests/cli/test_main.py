import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from setpoint.api.crd import inference_service_crd
from setpoint.cli import generate
from tests.builders import inference_service_object
from tests.cli.conftest import Run

ROOT = Path(__file__).parents[2]


def test_generated_files_of_the_checkout_are_what_the_code_gives() -> None:
    assert [name for name, text in generate.files().items() if (ROOT / name).read_text() != text] == []


def test_crds_are_printed_as_they_are_in_the_checkout(run: Run) -> None:
    printed = run("crds").out
    assert printed == (ROOT / "crds/setpoint.dev_inferenceservices.yaml").read_text()
    assert list(yaml.safe_load_all(printed)) == [inference_service_crd()]


def test_a_reader_that_stops_early_is_no_error() -> None:
    command = f"{sys.executable} -c 'import sys; from setpoint.cli import main; sys.exit(main())' crds"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command} | true"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "operator"), "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("command", ["crds", "render -f {file}", "validate -f {file}"])
def test_output_that_cannot_be_written_is_said_in_a_line(tmp_path: Path, command: str) -> None:
    file = tmp_path / "chat.json"
    file.write_text(json.dumps(inference_service_object()))
    done = subprocess.run(
        [
            "bash",
            "-c",
            f"{sys.executable} -c 'import sys; from setpoint.cli import main; sys.exit(main())'"
            f" {command.format(file=file)} > /dev/full",
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT / "operator"), "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (
        2,
        "standard output cannot be written: No space left on device\n",
    )


def test_version_is_printed(run: Run) -> None:
    assert run("--version").out.startswith("setpoint 0.")


@pytest.mark.parametrize("arguments", [(), ("serve",), ("validate",), ("render", "chat.yaml")])
def test_a_wrong_command_line_ends_with_status_2(run: Run, arguments: tuple[str, ...]) -> None:
    ended = run(*arguments)
    assert ended.status == 2
    assert ended.err.startswith("usage: setpoint")
