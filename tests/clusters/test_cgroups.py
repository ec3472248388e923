import os
from pathlib import Path

import pytest

from e2e.clusters.local.cgroups import (
    KUBELET_CONTROLLERS,
    Hierarchy,
    delegate,
    hierarchies,
    parse_hierarchies,
    remove_group,
    tracking,
)

HYBRID = """\
25 1 0:22 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
26 25 0:23 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct
27 25 0:24 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
28 25 0:25 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
29 25 0:26 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
"""
UNIFIED = "35 24 0:30 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"


def test_a_hybrid_machine_has_v1_hierarchies_with_their_controllers_and_a_unified_one() -> None:
    assert parse_hierarchies(HYBRID) == [
        Hierarchy(
            Path("/sys/fs/cgroup/cpu,cpuacct"), unified=False, controllers=frozenset({"cpu", "cpuacct"})
        ),
        Hierarchy(Path("/sys/fs/cgroup/systemd"), unified=False, controllers=frozenset({"name=systemd"})),
        Hierarchy(Path("/sys/fs/cgroup/pids"), unified=False, controllers=frozenset({"pids"})),
        Hierarchy(Path("/sys/fs/cgroup/unified"), unified=True),
    ]


def test_a_v2_machine_has_one_hierarchy() -> None:
    assert parse_hierarchies(UNIFIED) == [Hierarchy(Path("/sys/fs/cgroup"), unified=True)]


def test_membership_is_tracked_in_the_unified_hierarchy_where_there_is_one() -> None:
    assert tracking(parse_hierarchies(HYBRID)).mount == Path("/sys/fs/cgroup/unified")


def test_membership_is_tracked_by_pids_on_a_pure_v1_machine() -> None:
    v1 = "".join(line for line in HYBRID.splitlines(keepends=True) if "cgroup2" not in line)
    assert tracking(parse_hierarchies(v1)).mount == Path("/sys/fs/cgroup/pids")


def test_a_second_mount_and_a_part_of_a_hierarchy_do_not_count() -> None:
    again = UNIFIED + UNIFIED.replace("/sys/fs/cgroup", "/mnt/again")
    part = UNIFIED + "36 24 0:31 /docker/1 /mnt/part rw - cgroup2 cgroup2 rw\n"
    assert parse_hierarchies(again) == parse_hierarchies(part) == parse_hierarchies(UNIFIED)


def test_an_escaped_mount_point_is_decoded() -> None:
    assert parse_hierarchies(UNIFIED.replace("/sys/fs", r"/my\040fs"))[0].mount == Path("/my fs/cgroup")


def test_controllers_are_enabled_for_the_node_and_then_as_they_were() -> None:
    root = next((each.mount for each in hierarchies() if each.unified), None)
    if os.geteuid() != 0 or root is None or not (root / "cgroup.controllers").read_text().strip():
        pytest.skip("needs root, and a cgroup v2 hierarchy with a controller")
    before = (root / "cgroup.subtree_control").read_text()
    group = root / f"setpoint-test-{os.getpid()}"
    (group / "pods").mkdir(parents=True)
    delegate(group)
    controllers = set((root / "cgroup.controllers").read_text().split()) & KUBELET_CONTROLLERS
    assert set((group / "pods/cgroup.controllers").read_text().split()) == controllers
    remove_group(group)
    assert (root / "cgroup.subtree_control").read_text() == before
