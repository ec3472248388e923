"""A real etcd and kube-apiserver, nothing else, for tests of what only a real API server can tell.

There are no controllers: a Deployment gets no pods, an owner's children are not collected, a namespace is
never gone. It listens on 127.0.0.1 only, keeps its state in a temporary directory, and dies with the process
that started it, even when that is killed.
"""

import asyncio
import base64
import contextlib
import json
import os
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.request
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest
import yaml

from e2e.clusters.cluster import ClusterError
from e2e.clusters.local import binaries
from setpoint.kube.client import KubeClient
from setpoint.kube.resources import Resource
from tests.tiers import missing

NAMESPACES = Resource("", "v1", "namespaces", "Namespace")
CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap")
CUSTOM_RESOURCE_DEFINITIONS = Resource(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition"
)

_START_SECONDS = 60
_TOKEN = "admin-of-a-throw-away-api-server"


class ApiServer:
    """One API server. As a context manager it runs from entry to exit."""

    def __init__(self, bin_directory: Path) -> None:
        self._bin = bin_directory
        self._exit = contextlib.ExitStack()
        self._etcd_port, self._etcd_peer_port, self.port = _free_ports(3)
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        try:
            self._state = Path(
                self._exit.enter_context(tempfile.TemporaryDirectory(prefix="setpoint-apiserver-"))
            )
            self._prepare()
            etcd = f"http://127.0.0.1:{self._etcd_port}"
            peer = f"http://127.0.0.1:{self._etcd_peer_port}"
            self._exit.callback(self._kill, "etcd")
            self._spawn(
                "etcd",
                f"--data-dir={self._state}/data",
                "--unsafe-no-fsync",
                f"--listen-client-urls={etcd}",
                f"--advertise-client-urls={etcd}",
                f"--listen-peer-urls={peer}",
                f"--initial-advertise-peer-urls={peer}",
                f"--initial-cluster=default={peer}",
                "--log-level=warn",
            )
            self._exit.callback(self.stop)
            self.start()
        except BaseException:
            self._exit.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig file for a cluster administrator."""
        return self._state / "kubeconfig"

    @property
    def url(self) -> str:
        """Where the API server listens."""
        return f"https://127.0.0.1:{self.port}"

    def client(self, **options: Any) -> KubeClient:
        """A new client of an administrator; close it, or use it as a context manager."""
        return KubeClient.from_kubeconfig(str(self.kubeconfig), **options)

    def kubeconfig_for(self, port: int) -> Path:
        """Like `kubeconfig`, by way of another port of 127.0.0.1."""
        path = self._state / f"kubeconfig-{port}"
        path.write_text(self.kubeconfig.read_text().replace(f":{self.port}", f":{port}"))
        return path

    def start(self) -> None:
        """Start the API server on the state that is there, and wait until it is ready."""
        self._spawn(
            "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.port}",
            f"--tls-cert-file={self._state}/server.crt",
            f"--tls-private-key-file={self._state}/server.key",
            f"--token-auth-file={self._state}/tokens.csv",
            "--authorization-mode=RBAC",
            f"--service-account-key-file={self._state}/server.crt",
            f"--service-account-signing-key-file={self._state}/server.key",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-cluster-ip-range=10.0.0.0/16",
            # Nobody is told this address; without it a machine that has no default route cannot start one.
            "--advertise-address=192.0.2.1",
            "--endpoint-reconciler-type=none",
            # There is no controller-manager that would make the service accounts that pods then need.
            "--disable-admission-plugins=ServiceAccount",
        )
        _wait_for(self._is_ready, "kube-apiserver", self._log("kube-apiserver"))

    def stop(self) -> None:
        """Kill the API server, and with it every connection; etcd keeps the state."""
        self._kill("kube-apiserver")

    def forget_history(self) -> None:
        """Compact etcd and restart the API server, so that every older resourceVersion has expired."""
        self.stop()
        key = base64.b64encode(b"/").decode()
        revision = self._etcd("kv/range", {"key": key})["header"]["revision"]
        self._etcd("kv/compaction", {"revision": revision, "physical": True})
        self.start()

    async def install_crd(self, manifest: dict[str, Any]) -> None:
        """Apply a CustomResourceDefinition and wait until its objects can be written."""
        name = manifest["metadata"]["name"]
        async with self.client() as client:
            await client.apply(CUSTOM_RESOURCE_DEFINITIONS, None, name, manifest, field_manager="tests")

            async def established() -> bool:
                crd = await client.get(CUSTOM_RESOURCE_DEFINITIONS, None, name) or {}
                conditions = (crd.get("status") or {}).get("conditions") or []
                return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)

            await until(established)

    async def create_namespace(self, prefix: str = "test") -> str:
        """Create a namespace of a new name and return the name."""
        name = f"{prefix}-{uuid.uuid4().hex[:8]}"
        async with self.client() as client:
            manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            await client.create(NAMESPACES, None, manifest)
        return name

    def _prepare(self) -> None:
        for name in ("etcd", "kube-apiserver"):
            (self._state / name).symlink_to(self._bin / "node")
        certificate, key = self._state / "server.crt", self._state / "server.key"
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
                *(
                    "-nodes",
                    "-days",
                    "2",
                    "-subj",
                    "/CN=127.0.0.1",
                    "-keyout",
                    str(key),
                    "-out",
                    str(certificate),
                ),
                *("-addext", "subjectAltName=IP:127.0.0.1"),
                *("-addext", "keyUsage=critical,digitalSignature,keyCertSign"),
            ],
            check=True,
            capture_output=True,
        )
        (self._state / "tokens.csv").write_text(f'{_TOKEN},admin,admin,"system:masters"\n')
        cluster = {"server": self.url, "certificate-authority": str(certificate)}
        self.kubeconfig.write_text(
            yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [{"name": "test", "cluster": cluster}],
                    "users": [{"name": "admin", "user": {"token": _TOKEN}}],
                    "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
                    "current-context": "test",
                }
            )
        )

    def _spawn(self, name: str, *arguments: str) -> None:
        with self._log(name).open("ab") as log:
            self._running[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", str(self._state / name), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._state,
            )

    def _kill(self, name: str) -> None:
        process = self._running.pop(name, None)
        if process is not None:
            process.kill()
            process.wait()

    def _log(self, name: str) -> Path:
        return self._state / f"{name}.log"

    def _is_ready(self) -> bool:
        for name, process in self._running.items():
            if process.poll() is not None:
                raise RuntimeError(f"{name} ended: {_tail(self._log(name))}")
        request = urllib.request.Request(  # noqa: S310
            f"{self.url}/readyz", headers={"Authorization": f"Bearer {_TOKEN}"}
        )
        try:
            trust = ssl.create_default_context(cafile=self._state / "server.crt")
            with urllib.request.urlopen(request, timeout=5, context=trust):  # noqa: S310
                return True
        except OSError:
            return False

    def _etcd(self, call: str, body: dict[str, Any]) -> Any:
        url = f"http://127.0.0.1:{self._etcd_port}/v3/{call}"
        with urllib.request.urlopen(url, json.dumps(body).encode(), timeout=10) as answer:
            return json.load(answer)


async def until(condition: Callable[[], Awaitable[bool] | bool], seconds: float = 20) -> None:
    """Wait until a condition holds; TimeoutError after so many seconds."""
    async with asyncio.timeout(seconds):
        while True:
            holds = condition()
            if await holds if isinstance(holds, Awaitable) else holds:
                return
            await asyncio.sleep(0.02)


def find_binaries() -> Path | None:
    """The directory of the binary `node`: SETPOINT_E2E_BIN, or what was built for the local cluster."""
    override = os.environ.get("SETPOINT_E2E_BIN")
    if override:
        return Path(override)
    try:
        return binaries.find()
    except ClusterError:
        return None


@pytest.fixture(scope="session")
def api_server() -> Iterator[ApiServer]:
    """One API server for the whole session: keep apart by namespaces, and by CRDs that only one test file
    needs.
    """
    directory = find_binaries()
    if directory is None or not (directory / "node").exists():
        missing(
            "apiserver",
            "no kube-apiserver is built: run `make demo` once, or name a directory in SETPOINT_E2E_BIN",
        )
    with ApiServer(directory) as server:
        yield server


@pytest.fixture
async def kube(api_server: ApiServer) -> AsyncIterator[KubeClient]:
    """A client of the session's API server."""
    async with api_server.client() as client:
        yield client


@pytest.fixture
async def namespace(api_server: ApiServer) -> str:
    """A namespace of the test's own."""
    return await api_server.create_namespace()


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]


def _wait_for(condition: Callable[[], bool], what: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} was not ready within {_START_SECONDS} s: {_tail(log)}")
        time.sleep(0.05)
