"""The programs `prometheus` and `promtool`, for tests that ask a real one."""

from pathlib import Path

from e2e.clusters.cluster import ClusterError
from e2e.prometheus import programs
from tests.tiers import missing


def built() -> Path:
    """The folder of both programs. Without them a test fails where its tier is required, else is skipped."""
    try:
        found = programs.find()
    except ClusterError:
        found = None
    if found is None:
        missing("prometheus", "no Prometheus is built: run `python -m e2e.prometheus` once")
    return found
