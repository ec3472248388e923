"""Parts of the installation that are not there for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

from e2e.installation import NAMESPACE, Kubectl, wait_until


@contextmanager
def no_operator(kubectl: Kubectl) -> Iterator[None]:
    """No operator for a while."""
    with _scaled_to_zero(kubectl, "setpoint", component="operator", replicas=2):
        yield


@contextmanager
def no_prometheus(kubectl: Kubectl) -> Iterator[None]:
    """No Prometheus for a while; its samples are gone then too."""
    with _scaled_to_zero(kubectl, "setpoint-prometheus", component="prometheus", replicas=1):
        yield


@contextmanager
def _scaled_to_zero(kubectl: Kubectl, deployment: str, *, component: str, replicas: int) -> Iterator[None]:
    def scale(number: int) -> None:
        kubectl.run("--namespace", NAMESPACE, "scale", f"deployment/{deployment}", f"--replicas={number}")

    def pods() -> object:
        selector = f"app.kubernetes.io/component={component}"
        return kubectl.get("pods", "--namespace", NAMESPACE, "--selector", selector)["items"]

    scale(0)
    try:
        wait_until(f"no {component} runs", lambda: not pods())
        yield
    finally:
        scale(replicas)
        kubectl.run(
            "--namespace", NAMESPACE, "rollout", "status", f"deployment/{deployment}", "--timeout=120s"
        )
