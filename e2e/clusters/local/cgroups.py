"""The cgroup `setpoint-e2e`: it holds every process of the node, and nothing of anyone else.

In each hierarchy it has a child `pods`, the kubelet's root. In one hierarchy (the unified one, or `pids`
where there is none) it has a child `node` that the node's first process joins before it is even started;
descendants stay in that or below `pods`. So the kernel always knows whom to kill.

On a machine with cgroup v2 alone, what had to be enabled for the children of the root is remembered by groups
called `enabled.CONTROLLER`, and disabled again with them.
"""

import os
import re
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

NAME = "setpoint-e2e"
PODS = f"/{NAME}/pods"
KUBELET_CONTROLLERS = frozenset({"cpu", "cpuset", "hugetlb", "memory", "pids"})
ENABLED = "enabled."
END_TIMEOUT_SECONDS = 10.0
POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Hierarchy:
    """A mounted cgroup hierarchy; `controllers` holds the v1 mount's controllers, and is empty for v2."""

    mount: Path
    unified: bool
    controllers: frozenset[str] = frozenset()

    @property
    def group(self) -> Path:
        return self.mount / NAME


def parse_hierarchies(mountinfo: str) -> list[Hierarchy]:
    """The hierarchies in a /proc/PID/mountinfo (proc_pid_mountinfo(5)), each once, in mounting order."""
    found: dict[str, Hierarchy] = {}
    for line in mountinfo.splitlines():
        mount, _, filesystem = line.partition(" - ")
        kind, _, options = filesystem.split(" ", 2)
        _, _, device, root, path, *_ = mount.split(" ")
        if kind not in {"cgroup", "cgroup2"} or root != "/":
            continue
        decoded = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), path)
        controllers = frozenset() if kind == "cgroup2" else frozenset(options.split(",")) - {"rw", "ro"}
        found.setdefault(device, Hierarchy(Path(decoded), kind == "cgroup2", controllers))
    return list(found.values())


def hierarchies() -> list[Hierarchy]:
    """The hierarchies mounted here."""
    return parse_hierarchies(Path("/proc/self/mountinfo").read_text())


def tracking(mounted: list[Hierarchy]) -> Hierarchy:
    """The hierarchy whose membership tells which processes are the node's."""
    return next((each for each in mounted if each.unified), None) or next(
        each for each in mounted if "pids" in each.controllers
    )


def create() -> Path:
    """Make the group in every hierarchy; the cgroup.procs file for the node's first process to join."""
    mounted = hierarchies()
    for hierarchy in mounted:
        pods = hierarchy.group / "pods"
        pods.mkdir(parents=True, exist_ok=True)
        if mounted == [hierarchy]:
            delegate(hierarchy.group)
        elif "cpuset" in hierarchy.controllers:
            # A v1 cpuset starts without CPUs and memory nodes, and takes no process until it has some.
            for group in (hierarchy.group, pods):
                for name in ("cpuset.cpus", "cpuset.mems"):
                    (group / name).write_text((group.parent / name).read_text())
    node = tracking(mounted).group / "node"
    node.mkdir()
    return node / "cgroup.procs"


def members() -> list[int]:
    """The process ids in the group and below it."""
    pids: list[int] = []
    for procs in tracking(hierarchies()).group.rglob("cgroup.procs"):
        try:
            pids += [int(pid) for pid in procs.read_text().split()]
        except OSError:  # the group went while we looked
            continue
    return pids


def clear() -> None:
    """Kill every member and remove the group everywhere. Raises TimeoutError naming who stays.

    A process that was being started while its starter was interrupted may join late. So both are tried until
    the group is gone; who comes later cannot join, and ends.
    """
    deadline = time.monotonic() + END_TIMEOUT_SECONDS
    while not _try_to_clear():
        if time.monotonic() > deadline:
            raise TimeoutError(f"processes {members()} do not end, or do not leave their group")
        time.sleep(POLL_SECONDS)


def _try_to_clear() -> bool:
    """Kill the members if there are any, else remove the group; whether it is gone."""
    remaining = members()
    for pid in remaining:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    if remaining:
        return False
    try:
        for hierarchy in hierarchies():
            if hierarchy.group.exists():
                remove_group(hierarchy.group)
    except OSError:  # a group is busy for a moment after its last process
        return False
    return True


def delegate(group: Path) -> None:
    """Let the children of a v2 group have the controllers that the kubelet asks for."""
    root = group.parent
    wanted = KUBELET_CONTROLLERS & _words(root / "cgroup.controllers")
    for controller in sorted(wanted - _words(root / "cgroup.subtree_control")):
        (group / f"{ENABLED}{controller}").mkdir(exist_ok=True)
        (root / "cgroup.subtree_control").write_text(f"+{controller}")
    for controller in sorted(wanted):
        (group / "cgroup.subtree_control").write_text(f"+{controller}")


def remove_group(group: Path) -> None:
    """Remove a hierarchy's group, and disable what was enabled for it, unless others use that by now."""
    records = sorted(group.glob(f"{ENABLED}*"))
    for path, _, _ in os.walk(group, topdown=False):
        if Path(path) not in {group, *records}:
            Path(path).rmdir()
    for record in records:
        for parent in (group, group.parent):
            with suppress(OSError):
                (parent / "cgroup.subtree_control").write_text(f"-{record.name.removeprefix(ENABLED)}")
        record.rmdir()
    group.rmdir()


def _words(file: Path) -> set[str]:
    return set(file.read_text().split())
