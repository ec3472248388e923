"""Fixtures for the chart on a real API server."""

from collections.abc import Iterator

import pytest

from tests.apiserver import ApiServer
from tests.chart import cluster, helm


@pytest.fixture(scope="module")
def installed(api_server: ApiServer) -> Iterator[ApiServer]:
    """The API server with the chart installed, its defaults in force."""
    cluster.create_namespace(api_server)
    cluster.helm(api_server, "install", helm.RELEASE, helm.CHART)
    yield api_server
    cluster.helm(api_server, "uninstall", helm.RELEASE, "--ignore-not-found")
