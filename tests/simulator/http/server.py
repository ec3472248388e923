"""The simulator as a process of a test."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from e2e.fakes.hub import model


@dataclass(frozen=True)
class Server:
    """A running simulator."""

    process: "subprocess.Popen[str]"
    url: str

    def health(self) -> int | None:
        """The status of /health, None without an answer."""
        try:
            with urlopen(self.url + "/health", timeout=5) as response:  # noqa: S310
                return int(response.status)
        except HTTPError as error:
            with error:
                return error.code
        except (URLError, ConnectionError):
            return None

    def healthy(self) -> bool:
        """Whether /health answers that all is well."""
        return self.health() == 200

    def wait_until_healthy(self, timeout_seconds: float = 20.0) -> None:
        """Return once /health answers; fails when the process ends first."""
        deadline = time.monotonic() + timeout_seconds
        while not self.healthy():
            assert self.process.poll() is None, self.process.communicate()[0]
            assert time.monotonic() < deadline, "not healthy in time"
            time.sleep(0.02)


def tiny_model(folder: Path) -> Path:
    """Write the tiny model's files into `folder`."""
    for name, content in model.files().items():
        (folder / name).write_bytes(content)
    return folder


@contextmanager
def serve(*arguments: str, **environment: str) -> Iterator[Server]:
    """Start `vllm serve ARGUMENTS --port=FREE_PORT`; the process is ended at the end."""
    port = _free_port()
    process = start("serve", *arguments, "--host=127.0.0.1", f"--port={port}", **environment)
    try:
        yield Server(process, f"http://127.0.0.1:{port}")
    finally:
        process.kill()
        process.communicate()


def start(*arguments: str, **environment: str) -> "subprocess.Popen[str]":
    """Start `vllm ARGUMENTS` with nothing but `environment`; stdout and stderr come as one."""
    defaults = {"PATH": os.environ["PATH"], "SETPOINT_SIMULATOR_START_SECONDS": "0"}
    return subprocess.Popen(
        [sys.executable, "-m", "setpoint.simulator.http", *arguments],
        env=defaults | environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def ended(*arguments: str, **environment: str) -> tuple[int, str]:
    """Run `vllm ARGUMENTS` that ends by itself; returns its exit code and what it wrote."""
    process = start(*arguments, **environment)
    output, _ = process.communicate(timeout=30)
    return process.returncode, output


def argv_of(log: str) -> list[str]:
    """The command line that the simulator logged."""
    (line,) = [line for line in log.splitlines() if line.startswith('{"argv"')]
    arguments: list[str] = json.loads(line)["argv"]
    return arguments


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
