import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from setpoint.api.crd import crds
from setpoint.cli import generate
from tests.builders import inference_service_object
from tests.cli.conftest import Run, Write

ROOT = Path(__file__).parents[2]


def test_generated_files_of_the_checkout_are_what_the_code_gives() -> None:
    assert [name for name, text in generate.files().items() if (ROOT / name).read_text() != text] == []


def test_crds_are_printed_as_they_are_in_the_checkout(run: Run) -> None:
    printed = run("crds").out
    files = sorted((ROOT / "crds").glob("*.yaml"))
    assert list(yaml.safe_load_all(printed)) == [yaml.safe_load(file.read_text()) for file in files] == crds()


def in_shell(command: str) -> tuple[int, str]:
    """The exit status and the standard error of a line of bash, in which `setpoint` is the command."""
    setpoint = f"{sys.executable} -c 'import sys; from setpoint.cli import main; sys.exit(main())'"
    done = subprocess.run(
        ["bash", "-c", f'set -o pipefail; setpoint() {{ {setpoint} "$@"; }}; {command}'],
        env={**os.environ, "PYTHONPATH": str(ROOT / "operator"), "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.fixture
def good(write: Write) -> str:
    return write(inference_service_object(), name="good.yaml")


@pytest.fixture
def bad(write: Write) -> str:
    return write(inference_service_object(replicas=-1), name="bad.yaml")


TOLD = "bad.yaml:1: spec.replicas: '-1' must be at least 0\n"


def test_a_reader_that_stops_early_is_no_error() -> None:
    assert in_shell("setpoint crds | true") == (0, "")


def test_a_reader_that_stops_early_hides_no_fault(good: str, bad: str) -> None:
    assert in_shell(f"setpoint validate -f {good} -f {bad} | true") == (1, TOLD)


NO_SPACE = "standard output cannot be written: No space left on device\n"
CLOSED = "standard output is closed: open it, if only as > /dev/null\n"


@pytest.mark.parametrize(("redirection", "said"), [("> /dev/full", NO_SPACE), (">&-", CLOSED)])
@pytest.mark.parametrize("command", ["crds", "render -f {good}", "validate -f {good}"])
def test_output_that_cannot_be_written_is_said_in_a_line(
    good: str, command: str, redirection: str, said: str
) -> None:
    assert in_shell(f"setpoint {command.format(good=good)} {redirection}") == (2, said)


@pytest.mark.parametrize(("redirection", "said"), [("> /dev/full", NO_SPACE), (">&-", CLOSED)])
def test_output_that_cannot_be_written_hides_no_fault(
    good: str, bad: str, redirection: str, said: str
) -> None:
    command = f"setpoint validate -f {good} -f absent.yaml -f {bad} {redirection}"
    assert in_shell(command) == (
        2,
        f"{TOLD}absent.yaml: cannot be read: No such file or directory\n{said}",
    )


def test_a_fault_is_told_and_the_output_not_missed_where_nothing_is_valid(bad: str) -> None:
    assert in_shell(f"setpoint validate -f {bad} >&-") == (1, TOLD)


def test_where_nothing_can_be_said_the_status_tells_the_fault() -> None:
    without_a_load = "setpoint loadtest --url http://127.0.0.1 --model m"
    assert in_shell(f"{without_a_load} 2>/dev/full")[0] == 2
    assert in_shell(f"{without_a_load} 2>&-")[0] == 2


def test_version_is_printed(run: Run) -> None:
    assert run("--version").out.startswith("setpoint 0.")


@pytest.mark.parametrize("arguments", [(), ("serve",), ("validate",), ("render", "chat.yaml")])
def test_a_wrong_command_line_ends_with_status_2(run: Run, arguments: tuple[str, ...]) -> None:
    ended = run(*arguments)
    assert ended.status == 2
    assert ended.err.startswith("usage: setpoint")
