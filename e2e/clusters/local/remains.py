"""Taking away all that a node is or was, as the system itself shows it: nothing is remembered."""

import shutil

from e2e.clusters.cluster import ClusterError
from e2e.clusters.local import cgroups, network
from e2e.clusters.local.paths import STATE


def exist() -> bool:
    """Whether there is anything to take away."""
    return STATE.exists() or any(hierarchy.group.exists() for hierarchy in cgroups.hierarchies())


def clear() -> None:
    """Kill the node's processes, then remove the network pair, the cgroups, the files. Raises ClusterError.

    The node is made to be thrown away, so it is not stopped gently: one and the same way out serves `down`,
    an interrupted `up`, and the next `up` after a `kill -9`.
    """
    try:
        cgroups.clear()
    except TimeoutError as error:
        raise ClusterError(
            f"the local cluster cannot be taken away ({error}): see what uses it, then try again"
        ) from error
    network.detach()
    shutil.rmtree(STATE, ignore_errors=True)
    if STATE.exists():
        raise ClusterError(
            f"{STATE} cannot be deleted whole: see what holds it (fuser -vm {STATE}), then try again"
        )
