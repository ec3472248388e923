"""Fixtures that tests of several folders use."""

from tests.apiserver import api_server, kube, namespace

__all__ = ["api_server", "kube", "namespace"]
