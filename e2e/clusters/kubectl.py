"""The kubectl of whoever runs this, for clusters that do not bring their own."""

import shutil
from pathlib import Path

from e2e.clusters.cluster import ClusterError


def on_path() -> Path:
    """The kubectl on PATH. Raises ClusterError where there is none."""
    found = shutil.which("kubectl")
    if found is None:
        raise ClusterError("kubectl is not on PATH: install it, https://kubernetes.io/docs/tasks/tools/")
    return Path(found)
