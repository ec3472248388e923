"""`setpoint loadtest` as its users start it."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.loadgen.endpoint import MODEL, FakeEndpoint

ROOT = Path(__file__).parents[2]
SHORT = ("--duration", "1s", "--timeout", "5s")
SHORT_REQUESTS = ("--prompt-tokens", "20", "--output-tokens", "uniform:5:9")


def flags(endpoint: FakeEndpoint, *more: str) -> tuple[str, ...]:
    of_requests = () if "--trace" in more else SHORT_REQUESTS
    return ("loadtest", "--url", endpoint.url, "--model", MODEL, *SHORT, *of_requests, *more)


@contextmanager
def started(*arguments: str) -> "Iterator[subprocess.Popen[bytes]]":
    """Run the command in a process group of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", "setpoint", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT / "operator"), "PYTHONWARNINGS": "error"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def in_shell(*arguments: str, before: str = "", after: str = "") -> "subprocess.CompletedProcess[str]":
    """Run the command as a shell does that was told something around it."""
    command = shlex.join([sys.executable, "-m", "setpoint", *arguments])
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "operator"), "PYTHONWARNINGS": "error"}
    return subprocess.run(
        ["sh", "-c", f"{before} {command} {after}"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
