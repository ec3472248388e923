"""The command, run in this process, on files."""

import io
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from setpoint.cli import main
from setpoint.cli.output import yaml_documents
from tests.loadgen.conftest import endpoint  # noqa: F401  a fixture of these tests too


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str


Run = Callable[..., Ended]
Write = Callable[..., str]


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """A command that is at its end leaves signals ignored; the next test is to be ended by them."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `setpoint` with arguments and standard input."""

    def run(*arguments: str, stdin: bytes = b"") -> Ended:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        try:
            status = main(list(arguments))
        except SystemExit as end:
            status = int(end.code or 0)
        captured = capsys.readouterr()
        return Ended(status, captured.out, captured.err)

    return run


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write objects, or text, to a file of the current folder and return its name."""
    monkeypatch.chdir(tmp_path)

    def write(*content: dict[str, Any] | str | bytes, name: str = "chat.yaml") -> str:
        first = content[0]
        if isinstance(first, dict):
            first = yaml_documents(each for each in content if isinstance(each, dict))
        Path(name).write_bytes(first if isinstance(first, bytes) else first.encode())
        return name

    return write
