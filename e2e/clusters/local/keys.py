"""Certificates of one cluster, made by openssl for one life of the cluster.

The subjects are those that Kubernetes' own roles and authorizers know
(https://kubernetes.io/docs/setup/best-practices/certificates/).
"""

import base64
import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address
from itertools import chain
from pathlib import Path

CERTIFICATE_DAYS = "365"
ELLIPTIC_CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")

SIGNED = ("-CA", "ca.crt", "-CAkey", "ca.key")


@dataclass(frozen=True)
class Identity:
    """One certificate for clients, and for servers where it has alternative names."""

    name: str
    subject: str
    alternative_names: tuple[str, ...] = ()


def identities(node_name: str, address: IPv4Address, service_address: IPv4Address) -> tuple[Identity, ...]:
    """Everyone who holds a certificate of the cluster's authority."""
    service_names = ("kubernetes", "kubernetes.default", "kubernetes.default.svc")
    names = (*service_names, "kubernetes.default.svc.cluster.local", "localhost")
    addresses = ("127.0.0.1", str(address), str(service_address))
    return (
        Identity(
            "apiserver",
            "/CN=kube-apiserver",
            (*(f"DNS:{name}" for name in names), *(f"IP:{each}" for each in addresses)),
        ),
        Identity(
            "kubelet", f"/O=system:nodes/CN=system:node:{node_name}", (f"DNS:{node_name}", f"IP:{address}")
        ),
        Identity("kubelet-client", "/O=system:masters/CN=kube-apiserver-kubelet-client"),
        Identity("admin", "/O=system:masters/CN=kubernetes-admin"),
        Identity("controller-manager", "/CN=system:kube-controller-manager"),
        Identity("scheduler", "/CN=system:kube-scheduler"),
        Identity("proxy", "/CN=system:kube-proxy"),
        Identity("dns", "/CN=system:coredns"),
    )


def create(directory: Path, holders: Iterable[Identity]) -> None:
    """Write the authority, the service accounts' key pair, and NAME.crt and NAME.key for each holder."""
    directory.mkdir(mode=0o700)
    new = ("req", "-x509", *ELLIPTIC_CURVE, "-days", CERTIFICATE_DAYS)
    # Without its key usage, strict clients (Python since 3.13) refuse an authority.
    usage = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
    _openssl(directory, *new, *usage, "-subj", "/CN=setpoint-e2e", "-keyout", "ca.key", "-out", "ca.crt")
    for holder in holders:
        extensions = ["basicConstraints=critical,CA:FALSE", "extendedKeyUsage=clientAuth,serverAuth"]
        if holder.alternative_names:
            extensions.append(f"subjectAltName={','.join(holder.alternative_names)}")
        added = chain.from_iterable(("-addext", extension) for extension in extensions)
        files = ("-keyout", f"{holder.name}.key", "-out", f"{holder.name}.crt")
        _openssl(directory, *new, *SIGNED, *added, "-subj", holder.subject, *files)
    _openssl(directory, "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "service-accounts.key")
    _openssl(directory, "ec", "-in", "service-accounts.key", "-pubout", "-out", "service-accounts.pub")


def kubeconfig(directory: Path, holder: str, server: str) -> str:
    """A kubeconfig of `holder` with everything embedded; JSON, which is YAML too."""

    def embedded(name: str) -> str:
        return base64.b64encode((directory / name).read_bytes()).decode()

    cluster = {"server": server, "certificate-authority-data": embedded("ca.crt")}
    user = {
        "client-certificate-data": embedded(f"{holder}.crt"),
        "client-key-data": embedded(f"{holder}.key"),
    }
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "setpoint-e2e", "cluster": cluster}],
        "users": [{"name": holder, "user": user}],
        "contexts": [{"name": "setpoint-e2e", "context": {"cluster": "setpoint-e2e", "user": holder}}],
        "current-context": "setpoint-e2e",
    }
    return json.dumps(document, indent=2) + "\n"


def _openssl(directory: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)
