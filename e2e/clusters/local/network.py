"""The veth pair between host and node.

The node's end is `eth0` in the node's own network namespace, with the host as its gateway; the host's end is
called `setpoint-e2e`. Both vanish with the namespace. The host forwards and filters nothing for it.
"""

import json
import socket
import subprocess
import time
from collections.abc import Iterable
from ipaddress import IPv4Network, ip_interface
from itertools import chain

from e2e.clusters.cluster import ClusterError

HOST_INTERFACE = "setpoint-e2e"
NODE_INTERFACE = "eth0"
CANDIDATES = tuple(IPv4Network(each) for each in ("10.245.0.0/16", "172.30.245.0/24", "192.168.245.0/24"))
ATTACH_TIMEOUT_SECONDS = 20.0


def free_subnet(taken: Iterable[IPv4Network]) -> IPv4Network:
    """The first /30 of the candidates that overlaps none of the networks. Raises ClusterError."""
    occupied = [network for network in taken if network.prefixlen > 0]
    for subnet in chain.from_iterable(candidate.subnets(new_prefix=30) for candidate in CANDIDATES):
        if not any(subnet.overlaps(network) for network in occupied):
            return subnet
    raise ClusterError(
        f"every private subnet of {', '.join(map(str, CANDIDATES))} is routed: free four addresses"
    )


def taken_networks() -> list[IPv4Network]:
    """The networks that the host has routes or addresses in."""
    routes = json.loads(_ip("-json", "-4", "route", "show", "table", "all"))
    destinations = [route["dst"] for route in routes if route["dst"] != "default"]
    return [ip_interface(destination).network for destination in destinations]  # type: ignore[misc]


def attach(pid: int, subnet: IPv4Network) -> None:
    """On the host: join the network namespace of process `pid`."""
    host, _ = subnet.hosts()
    _ip("link", "add", HOST_INTERFACE, "type", "veth", "peer", "name", NODE_INTERFACE, "netns", str(pid))
    _ip("address", "add", f"{host}/{subnet.prefixlen}", "dev", HOST_INTERFACE)
    _ip("link", "set", HOST_INTERFACE, "up")


def join(subnet: IPv4Network) -> None:
    """In the node: wait for the host's `attach`, then configure the interfaces. Raises TimeoutError."""
    host, node = subnet.hosts()
    deadline = time.monotonic() + ATTACH_TIMEOUT_SECONDS
    while all(name != NODE_INTERFACE for _, name in socket.if_nameindex()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"no interface {NODE_INTERFACE} came within {ATTACH_TIMEOUT_SECONDS:.0f} s")
        time.sleep(0.01)
    _ip("link", "set", "lo", "up")
    _ip("address", "add", f"{node}/{subnet.prefixlen}", "dev", NODE_INTERFACE)
    _ip("link", "set", NODE_INTERFACE, "up")
    _ip("route", "add", "default", "via", str(host))


def detach() -> None:
    """On the host: remove the pair if it is there, sooner than the kernel takes a dead namespace apart."""
    if any(name == HOST_INTERFACE for _, name in socket.if_nameindex()):
        subprocess.run(["ip", "link", "delete", HOST_INTERFACE], capture_output=True, check=False)


def _ip(*arguments: str) -> str:
    run = subprocess.run(["ip", *arguments], capture_output=True, check=False, text=True)
    if run.returncode:
        raise ClusterError(
            f"ip {' '.join(arguments)} failed ({run.stderr.strip()}): see that the kernel has network "
            f"namespaces and veth, and that nobody else uses the name {HOST_INTERFACE}"
        )
    return run.stdout
