"""Fixtures for the chart on a real API server."""

from collections.abc import Iterator

import pytest

from e2e.prometheus import crds
from tests.apiserver import ApiServer
from tests.chart import cluster, helm


@pytest.fixture(scope="module")
def installed(api_server: ApiServer) -> Iterator[ApiServer]:
    """The API server with the chart installed, its defaults in force, where the Prometheus Operator's kinds
    are served.
    """
    cluster.create_namespace(api_server)
    for crd in crds.ensure():
        cluster.kubectl(api_server, "apply", "--server-side", "-f", str(crd))
        cluster.kubectl(api_server, "wait", "--for=condition=Established", "--timeout=30s", "-f", str(crd))
    cluster.helm(api_server, "install", helm.RELEASE, helm.CHART)
    yield api_server
    cluster.helm(api_server, "uninstall", helm.RELEASE, "--ignore-not-found")
