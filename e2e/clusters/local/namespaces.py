"""The node's namespaces: starting its first process in them, finding it, running commands beside it."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from e2e.clusters.local import cgroups

REPOSITORY = Path(__file__).parents[3]
NEW_NAMESPACES = ("--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "--net", "--uts", "--ipc")
ENTERED_NAMESPACES = ("--mount", "--pid", "--net", "--uts", "--ipc")
JOIN_CGROUP_THEN = 'echo $$ >"$0" && exec "$@"'


def launch(arguments: Sequence[str], log: BinaryIO) -> subprocess.Popen[bytes]:
    """Start `init` in namespaces of its own and in the cgroup, which it joins before anything can go wrong.

    The process returned ends when the node does; a signal to it ends the node.
    """
    init = (sys.executable, "-m", "e2e.clusters.local.init", *arguments)
    return subprocess.Popen(
        ["sh", "-c", JOIN_CGROUP_THEN, cgroups.create(), "unshare", *NEW_NAMESPACES, "--", *init],
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )


def first_pid() -> int | None:
    """The node's first process as this machine counts, or None: it is 1 one namespace further in."""
    for pid in cgroups.members():
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:  # it ended while we looked
            continue
        pids = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()[1:]
        if len(pids) > 1 and pids[1:] == ["1"]:
            return pid
    return None


def run_inside(pid: int, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command in the namespaces of process `pid`."""
    return subprocess.run(
        ["nsenter", f"--target={pid}", *ENTERED_NAMESPACES, "--", *command],
        capture_output=True,
        text=True,
        check=False,
    )
