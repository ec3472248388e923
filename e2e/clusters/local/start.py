"""From built programs to a node that is Ready."""

import http.client
import time
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path
from subprocess import Popen

from e2e.clusters import packages
from e2e.clusters.cluster import ClusterError
from e2e.clusters.local import addons, archive, images, keys, namespaces, network, node
from e2e.clusters.local.api import Api
from e2e.clusters.local.paths import CONTAINERD_SOCKET, KEYS, KUBECONFIG, LOGS, STATE
from e2e.clusters.progress import Progress

TIMEOUT_SECONDS = 120.0
POLL_SECONDS = 0.05
TAIL_LINES = 12
PAUSE_ARCHIVE = STATE / "pause.tar"


def start(programs: Path, cni_plugins: Path) -> None:
    """Start a node and wait until it is whole; the kubeconfig comes last. Raises ClusterError."""
    subnet = network.free_subnet(network.taken_networks())
    _, address = subnet.hosts()
    _write_state(programs, cni_plugins, address)
    with (LOGS / "init.log").open("wb") as log:
        startup = _Startup(namespaces.launch((str(programs), str(subnet)), log))

    startup.wait_for("its first process", lambda: namespaces.first_pid() is not None)
    network.attach(namespaces.first_pid() or 0, subnet)
    startup.wait_for("containerd", CONTAINERD_SOCKET.is_socket)
    images.load(programs, PAUSE_ARCHIVE, node.PAUSE_IMAGE)
    api = Api(f"https://{address}:{node.API_PORT}", authority=KEYS / "ca.crt", holder=KEYS / "admin")
    startup.wait_for("the API server", api.is_ready)
    startup.wait_for(
        "the objects of DNS and proxy", lambda: all(api.create(*each) for each in addons.objects(address))
    )
    startup.wait_for("the node", api.is_node_ready)
    startup.wait_for(
        "the default service account", lambda: api.has("/api/v1/namespaces/default/serviceaccounts/default")
    )
    startup.wait_for("kube-proxy", lambda: _answers(address, 10256, "/healthz"))
    startup.wait_for("CoreDNS", lambda: _answers(address, 8181, "/ready"))
    (KEYS / "admin.kubeconfig").rename(KUBECONFIG)
    startup.progress.finish("up")


class _Startup:
    """Waiting for one thing after another, as long as the node lives and the time allows."""

    def __init__(self, process: Popen[bytes]) -> None:
        self.process = process
        self.progress = Progress("cluster: starting")

    def wait_for(self, what: str, is_there: Callable[[], bool]) -> None:
        while not is_there():
            if self.process.poll() is not None:
                raise ClusterError(
                    f"the node ended while {what} was waited for: see why below\n{_tail('init')}"
                )
            if self.progress.elapsed_seconds > TIMEOUT_SECONDS:
                logs = "\n".join(
                    f"{path.stem}: {_tail(path.stem, lines=2)}" for path in sorted(LOGS.glob("*.log"))
                )
                raise ClusterError(
                    f"{what} did not come within {TIMEOUT_SECONDS:.0f} s: is the machine overloaded, "
                    f"or does a firewall stop traffic to {network.HOST_INTERFACE}?\n{logs}"
                )
            self.progress.update(f"waiting for {what}")
            time.sleep(POLL_SECONDS)


def _write_state(programs: Path, cni_plugins: Path, address: IPv4Address) -> None:
    """Everything the node reads: keys, kubeconfigs, configuration, the pause image."""
    STATE.mkdir(mode=0o700)
    LOGS.mkdir()
    holders = keys.identities(node.NAME, address, node.API_SERVICE_ADDRESS)
    keys.create(KEYS, holders)
    for holder in holders:
        path = KEYS / f"{holder.name}.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(keys.kubeconfig(KEYS, holder.name, f"https://{address}:{node.API_PORT}"))
    for path, text in node.files(address, Path(packages.find("runc") or "runc"), cni_plugins).items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    archive.write(PAUSE_ARCHIVE, node.PAUSE_IMAGE, {"pause": programs / "pause"}, ["/pause"])


def _answers(address: IPv4Address, port: int, path: str) -> bool:
    """Whether plain HTTP answers 200 there."""
    connection = http.client.HTTPConnection(str(address), port, timeout=1)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _tail(name: str, lines: int = TAIL_LINES) -> str:
    text = (LOGS / f"{name}.log").read_text(errors="replace")
    return "\n".join(text.splitlines()[-lines:])
