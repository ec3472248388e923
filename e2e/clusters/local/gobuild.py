"""`go build` with progress, and without anything left when it is cut short."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from e2e.clusters.cluster import ClusterError
from e2e.clusters.progress import Progress

ENVIRONMENT = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false"}
INSTALL_GO = "install a newer one from https://go.dev/dl and put it first on PATH"
TAIL_LINES = 12


def compiler(module: Path) -> str:
    """Go's version and platform for `module`. Raises ClusterError when it is missing or too old."""
    if shutil.which("go") is None:
        wanted = re.search(r"^go (\S+)", (module / "go.mod").read_text(), re.MULTILINE)
        version = wanted[1] if wanted else "a recent version"
        raise ClusterError(f"go is not on PATH and {version} or newer is needed: {INSTALL_GO}")
    run = subprocess.run(
        ["go", "env", "GOVERSION", "GOOS", "GOARCH"],
        cwd=module,
        env=os.environ | ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise ClusterError(f"go cannot build the node ({run.stderr.strip()}): {INSTALL_GO}")
    return " ".join(run.stdout.split())


def build(title: str, module: Path, packages: Sequence[str], flags: Sequence[str], *, output: Path) -> None:
    """Build `packages` of `module` into `output`: a file, or a directory where there are several.

    Progress counts compiled packages: `go list` tells how many are not in Go's cache, `go build -v` names
    each one when it is done. Raises ClusterError with the tail of Go's words.
    """
    progress = Progress(title)
    total = 0

    def fetching(messages: list[str]) -> None:
        progress.update(
            f"fetching modules, {sum(line.startswith('go: downloading') for line in messages)} so far"
        )

    def compiling(messages: list[str]) -> None:
        done = sum(not line.startswith("go: ") for line in messages)
        progress.update(
            f"{100 * done // total} % ({done} of {total} packages)" if done < total else "linking"
        )

    stale = _go(
        ["list", "-deps", "-f", "{{if .Stale}}{{.ImportPath}}{{end}}", *flags, *packages], module, fetching
    )
    total = len(stale)
    _go(["build", "-v", *flags, "-o", str(output), *packages], module, compiling)
    progress.finish(f"done, {total} packages compiled")


def _go(arguments: Sequence[str], module: Path, show: Callable[[list[str]], None]) -> list[str]:
    """Run go in `module`, calling `show` with the lines of its standard error so far; its output's lines.

    Its whole process group ends with an interrupt, and `go` itself with our death, whatever its cause.
    """
    with tempfile.TemporaryFile("w+") as output, tempfile.NamedTemporaryFile("w+") as messages:
        log = Path(messages.name)
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "go", *arguments],
            cwd=module,
            env=os.environ | ENVIRONMENT,
            stdout=output,
            stderr=messages,
            process_group=0,
        )
        try:
            while process.poll() is None:
                show(log.read_text().splitlines())
                time.sleep(0.1)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        if process.returncode:
            tail = "\n".join(log.read_text().splitlines()[-TAIL_LINES:])
            raise ClusterError(
                f"go {arguments[0]} in {module} ended with status {process.returncode}: "
                f"see that GOPROXY is reachable and the disk is not full\n{tail}"
            )
        output.seek(0)
        return output.read().splitlines()
