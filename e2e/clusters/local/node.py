"""What runs on the node, with which flags and files. Pure: nothing is started or written here."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from e2e.clusters.local import cgroups
from e2e.clusters.local.paths import CONTAINERD_SOCKET, KEYS, STATE

NAME = "setpoint-e2e"
API_PORT = 6443
POD_NETWORK = IPv4Network("10.244.0.0/16")
NODE_PODS = IPv4Network("10.244.0.0/24")
SERVICE_NETWORK = IPv4Network("10.96.0.0/16")
API_SERVICE_ADDRESS = IPv4Address("10.96.0.1")
DNS_SERVICE_ADDRESS = IPv4Address("10.96.0.10")
CLUSTER_DOMAIN = "cluster.local"
PAUSE_IMAGE = "localhost/pause:1"
ETCD_URL = "http://127.0.0.1:2379"

KUBELET_ROOT = Path("/var/lib/kubelet")
"""Where device plugins look for the kubelet's socket: fixed by its API."""
BOUND = {STATE / "kubelet": KUBELET_ROOT, STATE / "pod-logs": Path("/var/log/pods")}
"""Directories of the state that the node sees at the usual path, on disk instead of in memory."""
COVERED_SYSCTLS = (
    "kernel/keys/root_maxbytes",
    "kernel/keys/root_maxkeys",
    "kernel/panic",
    "kernel/panic_on_oops",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
)
"""Sysctls of the whole kernel that the kubelet sets at its start (pkg/kubelet/cm, setupKernelTunables)."""


@dataclass(frozen=True)
class Component:
    """A long-running program of the node."""

    name: str
    command: tuple[str, ...]


def before_api(address: IPv4Address, binaries: Path) -> list[Component]:
    """What the API server needs, the API server, and what does not need it."""
    return [
        Component(
            "etcd",
            (
                f"{binaries}/etcd",
                f"--data-dir={STATE}/etcd",
                "--unsafe-no-fsync",  # a cluster that lives for a test need not survive a power cut
                f"--listen-client-urls={ETCD_URL}",
                f"--advertise-client-urls={ETCD_URL}",
                "--listen-peer-urls=http://127.0.0.1:2380",
                "--log-level=warn",
            ),
        ),
        Component(
            "kube-apiserver",
            (
                f"{binaries}/kube-apiserver",
                f"--etcd-servers={ETCD_URL}",
                f"--advertise-address={address}",
                f"--secure-port={API_PORT}",
                f"--tls-cert-file={KEYS}/apiserver.crt",
                f"--tls-private-key-file={KEYS}/apiserver.key",
                f"--client-ca-file={KEYS}/ca.crt",
                "--authorization-mode=Node,RBAC",
                "--enable-admission-plugins=NodeRestriction",
                "--allow-privileged=true",
                f"--service-account-key-file={KEYS}/service-accounts.pub",
                f"--service-account-signing-key-file={KEYS}/service-accounts.key",
                f"--service-account-issuer=https://kubernetes.default.svc.{CLUSTER_DOMAIN}",
                f"--service-cluster-ip-range={SERVICE_NETWORK}",
                "--kubelet-preferred-address-types=InternalIP",
                f"--kubelet-certificate-authority={KEYS}/ca.crt",
                f"--kubelet-client-certificate={KEYS}/kubelet-client.crt",
                f"--kubelet-client-key={KEYS}/kubelet-client.key",
            ),
        ),
        Component("containerd", (f"{binaries}/containerd", f"--config={STATE}/containerd.toml")),
    ]


def after_api(address: IPv4Address, binaries: Path) -> list[Component]:
    """What is started when the API server is ready."""
    return [
        Component(
            "kubelet",
            (
                f"{binaries}/kubelet",
                f"--config={STATE}/kubelet.json",
                f"--kubeconfig={KEYS}/kubelet.kubeconfig",
                f"--hostname-override={NAME}",
                f"--node-ip={address}",
                f"--root-dir={KUBELET_ROOT}",
            ),
        ),
        Component(
            "kube-controller-manager",
            (
                f"{binaries}/kube-controller-manager",
                f"--kubeconfig={KEYS}/controller-manager.kubeconfig",
                f"--service-account-private-key-file={KEYS}/service-accounts.key",
                f"--root-ca-file={KEYS}/ca.crt",
                "--use-service-account-credentials",
                # Its default of 20 requests a second makes its own start 5 s long.
                "--kube-api-qps=500",
                "--kube-api-burst=500",
                "--leader-elect=false",
                f"--cluster-cidr={POD_NETWORK}",
                "--allocate-node-cidrs=false",
                "--bind-address=127.0.0.1",
            ),
        ),
        Component(
            "kube-scheduler",
            (
                f"{binaries}/kube-scheduler",
                f"--kubeconfig={KEYS}/scheduler.kubeconfig",
                "--leader-elect=false",
                "--bind-address=127.0.0.1",
            ),
        ),
        Component(
            "kube-proxy",
            (
                f"{binaries}/kube-proxy",
                f"--kubeconfig={KEYS}/proxy.kubeconfig",
                f"--hostname-override={NAME}",
                "--proxy-mode=iptables",
                f"--cluster-cidr={POD_NETWORK}",
                # The table's size is the whole kernel's, and cannot be set from this network namespace.
                "--conntrack-max-per-core=0",
                # Less than 0 needs CAP_SYS_RESOURCE, which a container that plays the host may lack.
                "--oom-score-adj=0",
            ),
        ),
        Component("coredns", (f"{binaries}/coredns", f"-conf={STATE}/Corefile")),
    ]


def files(address: IPv4Address, runc: Path, cni_plugins: Path) -> Mapping[Path, str]:
    """The configuration files, by path."""
    return {
        STATE / "containerd.toml": _containerd(runc, cni_plugins),
        STATE / "cni/10-setpoint-e2e.conflist": json.dumps(_cni(), indent=2),
        STATE / "kubelet.json": json.dumps(_kubelet(address), indent=2),
        STATE / "resolv.conf": f"nameserver {DNS_SERVICE_ADDRESS}\n",
        STATE / "Corefile": _corefile(address),
    }


def _containerd(runc: Path, cni_plugins: Path) -> str:
    """Configuration of containerd 2. To lower OOM scores needs CAP_SYS_RESOURCE: it does not try."""
    return f"""\
version = 3
root = "{STATE}/containerd/root"
state = "/run/containerd"

[grpc]
address = "{CONTAINERD_SOCKET}"

[plugins.'io.containerd.internal.v1.opt']
path = "{STATE}/containerd/opt"

[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = "{PAUSE_IMAGE}"

[plugins.'io.containerd.cri.v1.runtime']
restrict_oom_score_adj = true
disable_apparmor = true

[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ["{cni_plugins}"]
conf_dir = "{STATE}/cni"

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
BinaryName = "{runc}"
SystemdCgroup = false
"""


def _cni() -> dict[str, object]:
    """A routed veth pair for each pod: Services within the node need no br_netfilter, as with a bridge."""
    ranges = [[{"subnet": str(NODE_PODS)}]]
    ipam = {"type": "host-local", "ranges": ranges, "routes": [{"dst": "0.0.0.0/0"}]}
    return {
        "cniVersion": "1.0.0",
        "name": "setpoint-e2e",
        "plugins": [
            {"type": "ptp", "ipMasq": True, "ipam": ipam},
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


def _kubelet(address: IPv4Address) -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": str(address),
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{KEYS}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{KEYS}/kubelet.crt",
        "tlsPrivateKeyFile": f"{KEYS}/kubelet.key",
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": cgroups.PODS,
        "failCgroupV1": False,
        "failSwapOn": False,
        "oomScoreAdj": 0,
        "clusterDNS": [str(DNS_SERVICE_ADDRESS)],
        "clusterDomain": CLUSTER_DOMAIN,
        "resolvConf": f"{STATE}/resolv.conf",
        # There is no registry to pull from again: a full disk must neither evict pods nor delete images.
        "evictionHard": {"memory.available": "100Mi"},
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
    }


def _corefile(address: IPv4Address) -> str:
    return f"""\
.:53 {{
    errors
    ready {address}:8181
    kubernetes {CLUSTER_DOMAIN} in-addr.arpa ip6.arpa {{
        kubeconfig {KEYS}/dns.kubeconfig
    }}
    cache 5
}}
"""
