"""Fixtures that tests of several folders use."""

from hypothesis import HealthCheck, settings

from tests.apiserver import api_server, kube, namespace

__all__ = ["api_server", "kube", "namespace"]

# How long an example takes says more about the machine than about the code.
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# A change is to be judged by the change: the same examples each time, and new ones where they are asked for.
settings.register_profile("repeatable", settings.get_profile("search"), derandomize=True)
settings.load_profile("repeatable")
