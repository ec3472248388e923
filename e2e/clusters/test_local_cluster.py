"""The local cluster comes up, works, and leaves nothing behind, however it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from e2e.clusters import ClusterError, leaks, packages
from e2e.clusters.local import LocalCluster, archive, cgroups, namespaces, remains
from e2e.clusters.local.paths import CONTAINERD_SOCKET, KEYS, KUBECONFIG, LOGS, STATE

pytestmark = pytest.mark.local_cluster

BUSYBOX = "localhost/busybox:1"
COMMAND = (sys.executable, "-m", "e2e.clusters")
WAIT_SECONDS = 60.0


@pytest.fixture(scope="module", autouse=True)
def _no_cluster_but_ours() -> None:
    if remains.exist():
        pytest.fail("there is a local cluster, perhaps of a demo: end it first, python -m e2e.clusters down")


@pytest.fixture(name="nothing_is_left")
def _nothing_is_left() -> Iterator[None]:
    before = leaks.snapshot()
    try:
        yield
        assert leaks.compare(before, leaks.snapshot()) == []
    finally:
        remains.clear()


def start(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*COMMAND, *arguments, "--provider=local"], process_group=0)


def run(*arguments: str) -> None:
    with start(*arguments) as process:
        pass
    assert process.returncode == 0


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def first_process() -> bool:
    return namespaces.first_pid() is not None


MOMENTS = [
    pytest.param(STATE.is_dir, id="before anything runs"),
    pytest.param((KEYS / "admin.kubeconfig").exists, id="before the first process"),
    pytest.param(first_process, id="in the first process"),
    pytest.param(CONTAINERD_SOCKET.exists, id="with containerd up"),
    pytest.param((LOGS / "kubelet.log").exists, id="with the kubelet up"),
]


def kubectl(*arguments: str, manifests: object = None) -> str:
    cluster = LocalCluster()
    return subprocess.run(
        [cluster.kubectl, f"--kubeconfig={cluster.kubeconfig}", *arguments],
        input=json.dumps(manifests),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout


def web(replicas: int) -> dict[str, object]:
    """A Deployment whose pods answer with their own name, and its Service."""
    answer = "mkdir /www && hostname >/www/index.html && echo serving && exec httpd -f -p 8080 -h /www"
    container = {
        "name": "web",
        "image": BUSYBOX,
        "command": ["/bin/busybox", "sh", "-c", answer],
        "readinessProbe": {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "10m"}, "limits": {"cpu": "1", "memory": "64Mi"}},
        "volumeMounts": [{"name": "device-plugins", "mountPath": "/device-plugins"}],
    }
    volume = {
        "name": "device-plugins",
        "hostPath": {"path": "/var/lib/kubelet/device-plugins", "type": "Directory"},
    }
    labels = {"app": "web"}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [container], "volumes": [volume]},
            },
        },
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]},
    }
    return {"apiVersion": "v1", "kind": "List", "items": [deployment, service]}


@pytest.mark.usefixtures("nothing_is_left")
def test_pods_serve_resolve_and_reach_the_api_server(tmp_path: Path) -> None:
    packages.ensure({"busybox": "busybox-static"})
    busybox = Path(packages.find("busybox") or "")
    archive.write(tmp_path / "busybox.tar", BUSYBOX, {"bin/busybox": busybox}, ["/bin/busybox"])
    run("up")
    cluster = LocalCluster()
    cluster.load_image(tmp_path / "busybox.tar", BUSYBOX)
    with pytest.raises(ClusterError, match=f"does not hold 'localhost/other:1': use one of .*{BUSYBOX}"):
        cluster.load_image(tmp_path / "busybox.tar", "localhost/other:1")
    kubectl("apply", "-f", "-", manifests=web(replicas=2))
    kubectl("rollout", "status", "deployment/web", f"--timeout={WAIT_SECONDS:.0f}s")

    def in_pod(script: str) -> str:
        return kubectl("exec", "deployment/web", "--", "/bin/busybox", "sh", "-c", script)

    def answer() -> str:
        return in_pod("printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc $WEB_SERVICE_HOST 80").split()[-1]

    pods = set(kubectl("get", "pods", "-o", "jsonpath={.items[*].metadata.name}").split())
    seen: set[str] = set()
    while seen != pods:  # through the Service, also to the asking pod itself
        seen.add(answer())
    service = kubectl("get", "service", "web", "-o", "jsonpath={.spec.clusterIP}")
    assert service in in_pod("nslookup web.default.svc.cluster.local")
    in_pod("nc -w 5 10.96.0.1 443 </dev/null")
    assert "kubelet.sock" in in_pod("ls /device-plugins")
    assert "serving" in kubectl("logs", "deployment/web")
    assert "KUBE-SERVICES" in cluster.exec_in_node("iptables-save")
    run("down")


@pytest.mark.usefixtures("nothing_is_left")
def test_up_leaves_a_cluster_that_is_up_alone() -> None:
    run("up")
    first = namespaces.first_pid()
    run("up")
    assert namespaces.first_pid() == first
    run("down")
    run("down")


@pytest.mark.usefixtures("nothing_is_left")
def test_two_ups_at_once_make_one_cluster() -> None:
    with start("up") as one, start("up") as other:
        pass
    assert (one.returncode, other.returncode) == (0, 0)
    assert LocalCluster().is_up()
    run("down")


@pytest.mark.usefixtures("nothing_is_left")
def test_ports_that_are_taken_on_the_host_do_not_matter() -> None:
    with ExitStack() as listeners:
        for port in (2379, 6443, 10250, 10256):
            listener = listeners.enter_context(socket.socket())
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("0.0.0.0", port))
            listener.listen()
        run("up")
        assert LocalCluster().is_up()
    run("down")


@pytest.mark.usefixtures("nothing_is_left")
def test_iptables_rules_of_others_stay_byte_equal(tmp_path: Path) -> None:
    """Tried in a network namespace that plays the host: the machine's own rules are not for playing with."""
    script = """
        set -e; ip link set lo up
        odd="it's \\"odd\\" \\\\ KUBE-SVC CNI- 10.244.0.0"
        iptables -A OUTPUT -d 203.0.113.1 -m comment --comment "$odd" -j DROP
        iptables -t nat -N KUBE-OTHERS; iptables -t nat -A KUBE-OTHERS -s 10.244.0.0/16 -j ACCEPT
        save() { (iptables-save; ip6tables-save) | sed '/^#/d; s/\\[[0-9]*:[0-9]*\\]//' >"$1"; }
        save before; "$@" up --provider=local; save during; "$@" down --provider=local; save after
        cmp before during; cmp before after; grep -q KUBE-SVC after
    """
    environment = os.environ | {"PYTHONPATH": str(namespaces.REPOSITORY)}
    in_new_network = ["unshare", "--net", "--", "sh", "-c", script, "sh", *COMMAND]
    subprocess.run(in_new_network, cwd=tmp_path, env=environment, check=True)


@pytest.mark.usefixtures("nothing_is_left")
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_up_takes_everything_away(moment: Callable[[], bool], number: signal.Signals) -> None:
    with start("up") as up:
        wait_until(moment)
        up.send_signal(number)
    assert up.returncode == 128 + number
    assert not remains.exist()


@pytest.mark.usefixtures("nothing_is_left")
@pytest.mark.parametrize("moment", MOMENTS)
def test_up_mends_what_a_killed_up_left(moment: Callable[[], bool]) -> None:
    with start("up") as up:
        wait_until(moment)
        up.kill()
    run("up")
    assert LocalCluster().is_up()
    run("down")


@pytest.mark.usefixtures("nothing_is_left")
def test_up_mends_what_a_killed_node_left() -> None:
    run("up")
    for pid in cgroups.members():
        with suppress(ProcessLookupError):  # it died with another one
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not LocalCluster().is_up())
    run("up")
    assert LocalCluster().is_up()
    run("down")


@pytest.mark.usefixtures("nothing_is_left")
def test_remains_are_cleared_of_a_killed_node_and_not_of_one_that_is_up() -> None:
    run("up")
    LocalCluster().clear_remains()
    assert LocalCluster().is_up()
    os.kill(namespaces.first_pid() or 0, signal.SIGKILL)
    wait_until(lambda: not LocalCluster().is_up())
    LocalCluster().clear_remains()
    assert not remains.exist()


@pytest.mark.usefixtures("nothing_is_left")
def test_down_alone_clears_a_node_whose_first_process_was_killed() -> None:
    run("up")
    os.kill(namespaces.first_pid() or 0, signal.SIGKILL)
    run("down")


@pytest.mark.usefixtures("nothing_is_left")
def test_a_node_ends_as_a_whole_when_one_component_ends() -> None:
    run("up")
    LocalCluster().exec_in_node("pkill", "-x", "kube-scheduler")
    wait_until(lambda: not cgroups.members())
    assert "kube-scheduler ended with status" in (LOGS / "init.log").read_text()
    assert KUBECONFIG.exists()
    assert not LocalCluster().is_up()
    run("down")
