"""Fixtures that tests of several folders use."""

from hypothesis import HealthCheck, settings

from tests.apiserver import api_server, kube, namespace

__all__ = ["api_server", "kube", "namespace"]

# How long an example takes says more about the machine than about the code.
settings.register_profile("setpoint", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("setpoint")
