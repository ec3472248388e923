"""`python -m e2e.clusters up|down|status [--provider NAME]`; SETPOINT_CLUSTER names the provider too."""

import argparse
import os
import sys

from e2e.clusters.cluster import Cluster, ClusterError
from e2e.clusters.progress import say
from e2e.clusters.providers import PROVIDERS, choose
from e2e.clusters.signals import unwind_when_told_to_end

NOT_UP = 3


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m e2e.clusters", description="Clusters for demo and tests."
    )
    parser.add_argument("action", choices=("up", "down", "status"))
    parser.add_argument(
        "--provider",
        choices=tuple(PROVIDERS),
        default=os.environ.get("SETPOINT_CLUSTER") or None,
        help="default: SETPOINT_CLUSTER; else kind where it can run, else local",
    )
    arguments = parser.parse_args()
    unwind_when_told_to_end()
    try:
        return _act(choose(arguments.provider), arguments.action)
    except ClusterError as error:
        say(f"error: {error}")
        return 1


def _act(cluster: Cluster, action: str) -> int:
    if action == "down":
        cluster.down()
    elif action == "up":
        cluster.up()
        say(f"use it: export KUBECONFIG={cluster.kubeconfig}; {cluster.kubectl} get nodes")
    elif cluster.is_up():
        print(f"{cluster.name}: up, KUBECONFIG={cluster.kubeconfig}")
    else:
        print(f"{cluster.name}: not up")
        return NOT_UP
    return 0


if __name__ == "__main__":
    sys.exit(main())
