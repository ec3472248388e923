"""What a cluster could leave behind on a machine: snapshots of the machine, and their difference.

`python -m e2e.clusters.leaks snapshot FILE`, later `... compare FILE`: status 1 and a list of what differs.

A snapshot holds lines by topic. Topics that the machine's other users change are narrowed: processes to the
clusters' own, cgroups to those right below the roots, sysctls to those that do not count something, files to
those that a node's programs make.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from e2e.clusters.local import cgroups
from e2e.clusters.local.paths import ROOT, STATE

Snapshot = dict[str, list[str]]

OUR_COMMAND = re.compile(rf"{re.escape(str(STATE))}|e2e\.clusters\.local")
NODE_FILE = re.compile(r"cni|container|crictl|etcd|kube|netns|nri|pods|runc|setpoint|xtables")
WATCHED_DIRECTORIES = tuple(map(Path, ("/opt", "/run", "/run/netns", "/var/lib", "/var/log")))
MOVING_SYSCTLS = re.compile(
    r"^(fs/(aio-nr|dentry-state|file-nr|inode-nr|inode-state|quota/\w+)"
    r"|kernel/(ns_last_pid|perf_event_max_sample_rate|pty/nr|random/(entropy_avail|uuid))"
    r"|net/netfilter/nf_conntrack_count)$"
)
COUNTERS = re.compile(r"\[\d+:\d+\]")
ROUTE_LIFETIME = re.compile(r" expires \d+sec")


def snapshot() -> Snapshot:
    """The machine as it is now; lines are sorted, except where their order means something."""
    return {
        "processes": _processes(),
        "mounts": sorted(map(_without_mount_ids, Path("/proc/self/mountinfo").read_text().splitlines())),
        "interfaces": _addresses(),
        "routes": _routes(),
        "iptables": _rules("iptables-save"),
        "ip6tables": _rules("ip6tables-save"),
        "nftables": _rules("nft", "list", "ruleset"),
        "cgroups": _cgroups(),
        "sysctls": _sysctls(Path("/proc/sys")),
        "files": sorted(str(path) for directory in WATCHED_DIRECTORIES for path in _entries(directory)),
    }


def compare(before: Snapshot, after: Snapshot) -> list[str]:
    """What differs, a line each: `topic: + came` or `topic: - went`."""
    differences: list[str] = []
    for topic, lines in before.items():
        came, went = Counter(after[topic]) - Counter(lines), Counter(lines) - Counter(after[topic])
        differences += [f"{topic}: + {line}" for line in came.elements()]
        differences += [f"{topic}: - {line}" for line in went.elements()]
        if not came and not went and after[topic] != lines:
            differences.append(f"{topic}: the order changed")
    return differences


def _processes() -> list[str]:
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            command = (
                (directory / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            )
            group = (directory / "cgroup").read_text()
        except OSError:  # it ended while we looked
            continue
        # A zombie has no command: it has ended, and only waits for its parent to be told.
        if command and (OUR_COMMAND.search(command) or cgroups.NAME in group):
            found.append(command)
    return sorted(found)


def _without_mount_ids(line: str) -> str:
    """A line of mountinfo without the ids that the kernel counts up, and without peer groups."""
    fields = line.split(" ")
    separator = fields.index("-")
    return " ".join([*fields[2:6], *fields[separator + 1 :]])


def _addresses() -> list[str]:
    interfaces = json.loads(_output("ip", "-json", "address"))
    lines = []
    for interface in interfaces:
        addresses = sorted(f"{each['local']}/{each['prefixlen']}" for each in interface["addr_info"])
        lines.append(
            f"{interface['ifname']} {interface.get('address', '')} mtu {interface['mtu']} {addresses}"
        )
    return sorted(lines)


def _routes() -> list[str]:
    texts = [_output("ip", family, "route", "show", "table", "all") for family in ("-4", "-6")]
    texts += [_output("ip", family, "rule") for family in ("-4", "-6")]
    return sorted(ROUTE_LIFETIME.sub("", line) for text in texts for line in text.splitlines())


def _rules(*command: str) -> list[str]:
    """A firewall's rules in their order, without counters and dates; none where the program is missing."""
    if shutil.which(command[0]) is None:
        return []
    return [COUNTERS.sub("", line) for line in _output(*command).splitlines() if not line.startswith("#")]


def _cgroups() -> list[str]:
    found = []
    for hierarchy in cgroups.hierarchies():
        found += [str(path) for path in hierarchy.mount.iterdir() if path.is_dir()]
        if hierarchy.unified:
            enabled = sorted((hierarchy.mount / "cgroup.subtree_control").read_text().split())
            found.append(f"{hierarchy.mount} enables {enabled}")
    return sorted(found)


def _sysctls(root: Path) -> list[str]:
    found = []
    for path in root.rglob("*"):
        name = str(path.relative_to(root))
        if MOVING_SYSCTLS.match(name) or not path.is_file() or not path.stat().st_mode & 0o444:
            continue
        try:
            found.append(f"{name} = {path.read_text(errors='replace').strip()}")
        except OSError:  # some refuse to be read while they are unset
            continue
    return sorted(found)


def _entries(directory: Path) -> Iterable[Path]:
    found = directory.iterdir() if directory.is_dir() else ()
    return (path for path in found if NODE_FILE.search(path.name) and path != ROOT)


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m e2e.clusters.leaks", description="What was left behind?")
    parser.add_argument("action", choices=("snapshot", "compare"))
    parser.add_argument("file", type=Path)
    arguments = parser.parse_args()
    if arguments.action == "snapshot":
        arguments.file.write_text(json.dumps(snapshot(), indent=1))
        return 0
    differences = compare(json.loads(arguments.file.read_text()), snapshot())
    for difference in differences:
        print(difference)
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
