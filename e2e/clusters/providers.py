"""The choice of a provider."""

from collections.abc import Callable, Mapping

from e2e.clusters import kind
from e2e.clusters.cluster import Cluster, ClusterError
from e2e.clusters.existing import ExistingCluster
from e2e.clusters.kind import KindCluster
from e2e.clusters.local import LocalCluster

PROVIDERS: Mapping[str, Callable[[], Cluster]] = {
    "existing": ExistingCluster,
    "kind": KindCluster,
    "local": LocalCluster,
}


def choose(name: str | None = None) -> Cluster:
    """The provider called `name`; without a name, kind where it can run, else local.

    `existing` is never chosen without being named: a KUBECONFIG left in the environment may point at a
    cluster that serves people. Raises ClusterError for an unknown name.
    """
    if name is None:
        name = "kind" if kind.is_usable() else "local"
    if name not in PROVIDERS:
        raise ClusterError(f"SETPOINT_CLUSTER {name!r} is unknown: use one of {', '.join(PROVIDERS)}")
    return PROVIDERS[name]()
