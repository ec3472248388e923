import json
import tomllib
from ipaddress import IPv4Address
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from e2e.clusters.local import cgroups, node
from e2e.clusters.local.paths import STATE

ADDRESS = IPv4Address("10.245.0.2")
FILES = node.files(ADDRESS, Path("/usr/sbin/runc"), Path("/usr/lib/cni"))


def test_every_file_lies_in_the_state_directory() -> None:
    assert all(path.is_relative_to(STATE) for path in FILES)


@given(st.ip_addresses(v=4))
def test_the_runtime_configuration_is_toml_and_writes_only_to_the_state_and_to_run(
    address: IPv4Address,
) -> None:
    files = node.files(address, Path("/usr/sbin/runc"), Path("/usr/lib/cni"))
    parsed = tomllib.loads(files[STATE / "containerd.toml"])
    written = (
        parsed["root"],
        parsed["grpc"]["address"],
        parsed["plugins"]["io.containerd.internal.v1.opt"]["path"],
    )
    assert all(Path(path).is_relative_to(STATE) for path in written)
    assert parsed["state"] == "/run/containerd"


def test_a_full_disk_neither_evicts_pods_nor_deletes_images() -> None:
    kubelet = json.loads(FILES[STATE / "kubelet.json"])
    assert kubelet["imageGCHighThresholdPercent"] == 100
    assert not any(signal.startswith(("nodefs", "imagefs")) for signal in kubelet["evictionHard"])


def test_pods_live_in_the_cgroup_that_is_taken_away() -> None:
    assert json.loads(FILES[STATE / "kubelet.json"])["cgroupRoot"].startswith(f"/{cgroups.NAME}/")


def test_dns_is_where_pods_ask_for_it() -> None:
    kubelet = json.loads(FILES[STATE / "kubelet.json"])
    assert kubelet["clusterDNS"] == [str(node.DNS_SERVICE_ADDRESS)]
    assert node.DNS_SERVICE_ADDRESS in node.SERVICE_NETWORK
    assert kubelet["clusterDomain"] in FILES[STATE / "Corefile"]


def test_every_component_is_started_once_from_the_built_programs() -> None:
    components = node.before_api(ADDRESS, Path("/bin")) + node.after_api(ADDRESS, Path("/bin"))
    assert len({component.name for component in components}) == len(components)
    assert all(component.command[0] == f"/bin/{component.name}" for component in components)
