"""A real single-node Kubernetes of plain processes: no Docker, no registry, nothing left behind.

The node is one process tree in its own pid, mount, network, UTS and IPC namespace, under a small first
process (`init`). A veth pair joins it to the host. What makes a node hard to take away lives inside and dies
with the namespaces, also after `kill -9`:

- iptables rules, interfaces, routes, conntrack and the network's sysctls belong to the network namespace;
- mounts belong to the mount namespace; /run and /var are private there, so containerd, CNI and the kubelet
  use their usual paths and the host's stay as they were;
- the few sysctls that are the whole kernel's and that the kubelet sets are covered by private files.

The rest is found by name, so no record of what was done can be lost or wrong: the cgroup `setpoint-e2e` holds
every process (and so says whom to kill), and `paths.STATE` every file. `down` is the same code as what mends
a dead run.

Nothing on the host can be in its way but its own names: the interface and the cgroup `setpoint-e2e`, and
`paths.ROOT`. Ports cannot clash.

What it is not: NetworkPolicy is accepted and not enforced (the `ptp` CNI plugin has no notion of it); pods
reach the host at the node's gateway address, but nothing beyond it; what they write to a hostPath below /var
is kept in memory and dies with the node, other hostPaths are the host's; AppArmor confines no pod, for its
profiles would stay in the kernel; there is one node. Kernel modules that are loaded on demand (veth, overlay,
nf_tables) stay loaded. A pod with rights over the whole kernel can still change it for all. It needs root, Go
and Linux with cgroup v1 or v2; it has run on v1 only.
"""

from e2e.clusters.local.cluster import LocalCluster

__all__ = ["LocalCluster"]
