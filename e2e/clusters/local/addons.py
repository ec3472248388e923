"""What a node needs in its own API server: rights of kube-proxy and CoreDNS, and the DNS Service."""

from ipaddress import IPv4Address

from e2e.clusters.local.node import DNS_SERVICE_ADDRESS

RBAC = "/apis/rbac.authorization.k8s.io/v1"
RBAC_GROUP = "rbac.authorization.k8s.io"


def objects(node: IPv4Address) -> list[tuple[str, dict[str, object]]]:
    """Pairs of the collection's path and the object to create in it."""
    names = {"namespace": "kube-system"}
    return [
        (f"{RBAC}/clusterroles", _dns_role()),
        (f"{RBAC}/clusterrolebindings", _binding("system:coredns", "system:coredns", "system:coredns")),
        (
            f"{RBAC}/clusterrolebindings",
            _binding("setpoint-e2e:kube-proxy", "system:node-proxier", "system:kube-proxy"),
        ),
        (
            "/api/v1/namespaces/kube-system/services",
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": names | {"name": "kube-dns", "labels": {"k8s-app": "kube-dns"}},
                "spec": {
                    "clusterIP": str(DNS_SERVICE_ADDRESS),
                    "ports": [
                        {"name": "dns", "port": 53, "protocol": "UDP"},
                        {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
                    ],
                },
            },
        ),
        (
            "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices",
            {
                # CoreDNS is a process of the node, not a pod: no selector could find it.
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": names
                | {"name": "kube-dns-node", "labels": {"kubernetes.io/service-name": "kube-dns"}},
                "addressType": "IPv4",
                "endpoints": [{"addresses": [str(node)], "conditions": {"ready": True}}],
                "ports": [
                    {"name": "dns", "port": 53, "protocol": "UDP"},
                    {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
                ],
            },
        ),
    ]


def _dns_role() -> dict[str, object]:
    read = ["list", "watch"]
    return {
        "apiVersion": f"{RBAC_GROUP}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "system:coredns"},
        "rules": [
            {"apiGroups": [""], "resources": ["services", "pods", "namespaces"], "verbs": read},
            {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": read},
        ],
    }


def _binding(name: str, role: str, user: str) -> dict[str, object]:
    return {
        "apiVersion": f"{RBAC_GROUP}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC_GROUP, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": RBAC_GROUP, "kind": "User", "name": user}],
    }
