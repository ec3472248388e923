"""The node's first process: `unshare ... python -m e2e.clusters.local.init BINARIES SUBNET`.

It makes the namespaces a node, starts the components in order, and reaps what is orphaned. It restarts
nothing: when a component ends, it says so and ends too, and the kernel ends everything else with it. So does
SIGTERM.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from ipaddress import IPv4Network
from pathlib import Path
from types import FrameType

from e2e.clusters.local import network, node
from e2e.clusters.local.api import Api
from e2e.clusters.local.paths import KEYS, LOGS, ROOT

OVERLAY = Path("/run/setpoint-e2e")
POLL_SECONDS = 0.05


def main() -> None:
    binaries, subnet = Path(sys.argv[1]), IPv4Network(sys.argv[2])
    signal.signal(signal.SIGTERM, _end)
    socket.sethostname(node.NAME)
    make_private()
    network.join(subnet)
    _, address = subnet.hosts()
    running = {_start(component, binaries): component for component in node.before_api(address, binaries)}
    api = Api(f"https://127.0.0.1:{node.API_PORT}", authority=KEYS / "ca.crt")
    while not api.is_ready():
        _reap(running, os.WNOHANG)
        time.sleep(POLL_SECONDS)
    running |= {_start(component, binaries): component for component in node.after_api(address, binaries)}
    while True:
        _reap(running, 0)


def make_private() -> None:
    """Keep the host as it is: own /run and /dev/shm, an overlay on /var, and covered sysctls."""
    _mount("--make-rshared", "/")  # shared among the node's own: mountPropagation works as on any node
    for mount_point in ("/run", "/dev/shm"):  # noqa: S108
        _mount("-t", "tmpfs", "tmpfs", mount_point)
    upper, work, kept = (OVERLAY / name for name in ("upper", "work", "kept"))
    for directory in (upper, work, kept):
        directory.mkdir(parents=True)
    _mount("--rbind", str(ROOT), str(kept))
    _mount("-t", "overlay", "-o", f"lowerdir=/var,upperdir={upper},workdir={work}", "overlay", "/var")
    _mount("--rbind", str(kept), str(ROOT))
    for source, target in node.BOUND.items():
        source.mkdir(exist_ok=True)
        target.mkdir(parents=True, exist_ok=True)
        _mount("--bind", str(source), str(target))
    for name in node.COVERED_SYSCTLS:
        sysctl = Path("/proc/sys") / name
        cover = OVERLAY / name.replace("/", ".")
        cover.write_bytes(sysctl.read_bytes())
        _mount("--bind", str(cover), str(sysctl))
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")  # of this network namespace


def _start(component: node.Component, binaries: Path) -> int:
    """Start a component with a small environment and its own log; its pid."""
    log = LOGS / f"{component.name}.log"
    return os.posix_spawn(
        component.command[0],
        component.command,
        {"PATH": f"{binaries}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],  # Python ignores them, and programs would inherit that
    )


def _reap(running: dict[int, node.Component], options: int) -> None:
    """Collect one ended child; end with it if it was a component."""
    pid, status = os.waitpid(-1, options)
    if pid in running:
        component = running[pid]
        code = os.waitstatus_to_exitcode(status)
        lines = (LOGS / f"{component.name}.log").read_text(errors="replace").splitlines()[-8:]
        sys.exit("\n".join([f"{component.name} ended with status {code}", *lines]))


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    main()
