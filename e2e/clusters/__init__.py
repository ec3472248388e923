"""Clusters for the demo and the end-to-end tests: one interface, three providers.

- `existing`: whatever KUBECONFIG points at. Its being is left alone; images must be
  where its nodes can pull them.
- `kind`: a kind cluster, where Docker and kind are found.
- `local`: a real single-node Kubernetes of processes on this machine, without Docker or a registry.

`python -m e2e.clusters up|down|status` drives them from a shell.
"""

from e2e.clusters.cluster import Cluster, ClusterError
from e2e.clusters.providers import PROVIDERS, choose

__all__ = ["PROVIDERS", "Cluster", "ClusterError", "choose"]
