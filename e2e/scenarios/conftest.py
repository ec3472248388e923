"""A cluster with Setpoint installed, and a namespace for each test."""

import os
import uuid
from collections.abc import Callable, Generator, Iterator
from typing import Any, Literal

import pytest

from e2e import images
from e2e.clusters import Cluster, choose
from e2e.installation import (
    HUB_URL,
    Kubectl,
    install_fake_gpus,
    install_hub,
    install_operator,
    kubectl_for,
)
from e2e.prometheus import image as prometheus
from e2e.scenarios import evidence
from e2e.scenarios.world import ALLOWED_NODE_PATH, World

VALUES = (
    f"settings.huggingFaceEndpoint={HUB_URL}",
    f"settings.allowedNodePaths={{{ALLOWED_NODE_PATH}}}",
    "prometheus.install=true",
    "prometheus.scrapeInterval=1s",
    "tuning.interval=5s",
)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to a failure what the test's namespaces had at that moment."""
    report = yield
    if report.failed and report.when != "setup" and isinstance(item, pytest.Function):
        for given in item.funcargs.values():
            if isinstance(given, World):
                report.sections.append((f"The cluster, {given.namespace}", "\n".join(evidence.gather(given))))
    return report


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The cluster of SETPOINT_CLUSTER: the one that is up, or one for this session."""
    chosen = choose(os.environ.get("SETPOINT_CLUSTER") or None)
    found_up = chosen.is_up()
    try:
        chosen.up()
        yield chosen
    finally:
        if not found_up:
            chosen.down()


@pytest.fixture(scope="session")
def kubectl(cluster: Cluster) -> Kubectl:
    """Kubectl against the cluster."""
    return kubectl_for(cluster)


@pytest.fixture(scope="session")
def stand_in(cluster: Cluster) -> images.Image:
    """The image of the stand-ins, on every node."""
    return _loaded(cluster, images.stand_in())


@pytest.fixture(scope="session")
def vllm_cpu(cluster: Cluster) -> images.Image:
    """The image of real vLLM for the CPU, on every node."""
    return _loaded(cluster, images.vllm_cpu())


@pytest.fixture(scope="session")
def operator(cluster: Cluster, kubectl: Kubectl, stand_in: images.Image) -> images.Image:
    """Setpoint and a Prometheus, installed by its chart, on nodes that offer GPUs."""
    image = _loaded(cluster, images.operator())
    prometheus.load(cluster)
    install_fake_gpus(kubectl, stand_in)
    install_hub(kubectl, stand_in)
    install_operator(cluster, image, *VALUES)
    return image


@pytest.fixture
def reinstall(cluster: Cluster, operator: images.Image) -> Iterator[Callable[..., None]]:
    """Upgrade the chart with other values; at the end it is as it was."""
    yield lambda *values: install_operator(cluster, operator, *VALUES, *values)
    install_operator(cluster, operator, *VALUES)


@pytest.fixture(scope="session")
def namespaces(kubectl: Kubectl) -> Iterator[list[str]]:
    """The namespaces that tests are done with; at the end all are gone."""
    done: list[str] = []
    yield done
    for namespace in done:
        kubectl.run("wait", "--for=delete", f"namespace/{namespace}", "--timeout=180s")


def _world(scope: Literal["function", "class", "module"]) -> Any:
    """A fixture of that scope: a namespace, which goes at the end with all that is in it."""

    @pytest.fixture(scope=scope)
    def world(
        kubectl: Kubectl, operator: images.Image, stand_in: images.Image, namespaces: list[str]
    ) -> Iterator[World]:
        namespace = f"e2e-{uuid.uuid4().hex[:8]}"
        kubectl.run("create", "namespace", namespace)
        # What Setpoint makes must run where Pod Security admits nothing else.
        kubectl.run("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
        try:
            yield World(kubectl, namespace, stand_in)
        finally:
            # Pods take their time to drain; the next test need not wait for it.
            kubectl.run("delete", "namespace", namespace, "--wait=false")
            namespaces.append(namespace)

    return world


world = _world("function")
"""A test's own."""
class_world = _world("class")
"""For the tests of a class that leave it as they found it."""
shared_world = _world("module")
"""For the tests of a module that leave it as they found it."""


def _loaded(cluster: Cluster, image: images.Image) -> images.Image:
    cluster.load_image(image.tar, image.reference)
    return image
