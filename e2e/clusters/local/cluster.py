"""The local cluster, as its users see it."""

import json
import os
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from e2e.clusters import packages
from e2e.clusters.cluster import ClusterError
from e2e.clusters.local import binaries, images, namespaces, remains
from e2e.clusters.local.api import Api
from e2e.clusters.local.lock import exclusive
from e2e.clusters.local.paths import KEYS, KUBECONFIG, ROOT
from e2e.clusters.local.start import start
from e2e.clusters.progress import Progress, say

CNI_PLUGIN_DIRECTORIES = (Path("/usr/lib/cni"), Path("/opt/cni/bin"))
PACKAGES = {
    "ip": "iproute2",
    "iptables": "iptables",
    "mount": "mount",
    "nsenter": "util-linux",
    "openssl": "openssl",
    "runc": "runc",
    "unshare": "util-linux",
}


class LocalCluster:
    """The one local cluster of this machine."""

    name = "local"

    @property
    def kubeconfig(self) -> Path:
        return KUBECONFIG

    @property
    def kubectl(self) -> Path:
        return binaries.ensure() / "kubectl"

    def check(self) -> None:
        _require_root()
        binaries.find()  # asks for a fit Go

    def clear_remains(self) -> None:
        _require_root()
        with exclusive(ROOT, "cluster"):
            if not self.is_up():
                _clear_remains()

    def up(self) -> None:
        self.check()
        with exclusive(ROOT, "cluster"):
            if self.is_up():
                say("cluster: the local cluster is already up")
            else:
                _start_anew()
        _pass_by_proxy()

    def down(self) -> None:
        _require_root()
        with exclusive(ROOT, "cluster"):
            if remains.exist():
                remains.clear()
                say("cluster: the local cluster is down")
            else:
                say("cluster: there is no local cluster")

    def is_up(self) -> bool:
        if not KUBECONFIG.is_file() or namespaces.first_pid() is None:
            return False
        return Api(_server(), authority=KEYS / "ca.crt", holder=KEYS / "admin").is_node_ready()

    def load_image(self, archive: Path, reference: str) -> None:
        progress = Progress(f"cluster: loading {reference}")
        progress.update("importing")
        images.load(binaries.ensure(), archive, reference)
        progress.finish("done")

    def exec_in_node(self, *command: str) -> str:
        """Run a command in the node's namespaces; its standard output. Raises ClusterError."""
        pid = namespaces.first_pid()
        if pid is None:
            raise ClusterError(
                "the local cluster is not up: SETPOINT_CLUSTER=local python -m e2e.clusters up"
            )
        run = namespaces.run_inside(pid, command)
        if run.returncode:
            raise ClusterError(
                f"{' '.join(command)!r} ended with {run.returncode} in the node: {run.stderr.strip()}"
            )
        return run.stdout


def _server() -> str:
    """The API server's URL in the kubeconfig of the cluster that is up."""
    server: str = json.loads(KUBECONFIG.read_text())["clusters"][0]["cluster"]["server"]
    return server


def _clear_remains() -> None:
    if remains.exist():
        say("cluster: taking away what a run that did not end well has left")
        remains.clear()


def _start_anew() -> None:
    _clear_remains()
    cni_plugins = _ensure_packages()
    programs = binaries.ensure()
    binaries.prune()
    try:
        start(programs, cni_plugins)
    except BaseException:
        remains.clear()
        raise


def _pass_by_proxy() -> None:
    """Let what this process starts reach the API server past an HTTP proxy, which cannot know it."""
    host = urlsplit(_server()).hostname or ""
    if "https" in getproxies() and not proxy_bypass(host):
        past = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
        os.environ["no_proxy"] = os.environ["NO_PROXY"] = f"{past},{host}" if past else host
        say(
            f"cluster: HTTPS_PROXY would hide the API server: in your shell, export NO_PROXY=$NO_PROXY,{host}"
        )


def _require_root() -> None:
    if os.geteuid() != 0:
        raise ClusterError("the local cluster needs root: use sudo, or SETPOINT_CLUSTER=kind with Docker")


def _ensure_packages() -> Path:
    """See that the distribution's programs are there; the CNI plugins' directory. Raises ClusterError."""
    present = next((directory for directory in CNI_PLUGIN_DIRECTORIES if (directory / "ptp").exists()), None)
    directory = present or CNI_PLUGIN_DIRECTORIES[0]
    packages.ensure(PACKAGES | {f"{directory}/ptp": "containernetworking-plugins"})
    return directory
