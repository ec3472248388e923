"""Where a model comes from: a Hub, a volume claim, a folder of the node."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from e2e import images
from e2e.fakes.hub import GATED_REPOSITORY
from e2e.installation import HUB_NAMESPACE, HUB_TOKEN, Kubectl, wait_until
from e2e.scenarios import volumes
from e2e.scenarios.world import ALLOWED_NODE_PATH, World

pytestmark = pytest.mark.e2e

INSIDE = "some/folder"
"""Where the model lies in a ModelFolder."""


@dataclass(frozen=True)
class ModelFolder:
    """A folder of a node with the tiny model somewhere inside."""

    node: str
    path: str


@pytest.fixture
def model_folder(kubectl: Kubectl, operator: images.Image, stand_in: images.Image) -> Iterator[ModelFolder]:
    """The tiny model on a node, below the folder that the chart's values allow."""
    node = kubectl.get("nodes")["items"][0]["metadata"]["labels"]["kubernetes.io/hostname"]
    name = f"e2e-{uuid.uuid4().hex[:8]}"
    try:
        _run_on_node(kubectl, stand_in, node, f"{name}-write", _WRITE.format(folder=f"{name}/{INSIDE}"))
        yield ModelFolder(node, f"{ALLOWED_NODE_PATH}/{name}")
    finally:
        _run_on_node(kubectl, stand_in, node, f"{name}-remove", _REMOVE.format(folder=name))


@pytest.fixture
def claim(kubectl: Kubectl, model_folder: ModelFolder, world: World) -> Iterator[str]:
    """A claim on a volume that is the model folder; its name."""
    volume, name = f"{world.namespace}-models", "models"
    world.apply(volumes.volume(volume, model_folder.path, model_folder.node))
    world.apply(volumes.claim(name, volume))
    try:
        yield name
    finally:
        kubectl.run("delete", "persistentvolume", volume, "--wait=false")


def test_a_gated_model_is_fetched_with_the_token_of_a_secret(world: World) -> None:
    world.run("create", "secret", "generic", "hub", f"--from-literal=token={HUB_TOKEN}")
    reference = {"name": "hub", "key": "token"}
    model = {"uri": f"hf://{GATED_REPOSITORY}", "name": "tiny", "tokenSecretRef": reference}

    world.apply(world.service(model=model))

    world.wait_until_complete()
    assert "data: [DONE]" in world.chat()


def test_a_gated_model_without_a_token_is_explained(world: World) -> None:
    world.apply(world.service(model={"uri": f"hf://{GATED_REPOSITORY}", "name": "tiny"}))

    message = world.wait_for("Progressing", "ContainerCrashed")

    assert "gated" in message.lower() or "401" in message


def test_a_model_is_served_from_a_folder_of_a_volume_claim(claim: str, world: World) -> None:
    world.apply(world.service(model={"uri": f"pvc://{claim}/{INSIDE}", "name": "tiny"}))

    world.wait_until_complete()
    assert "data: [DONE]" in world.chat()


def test_a_model_is_served_from_an_allowed_folder_of_the_node(
    model_folder: ModelFolder, world: World
) -> None:
    # Pod Security admits hostPath volumes at no level below privileged, so neither is such a model.
    label = "pod-security.kubernetes.io/enforce=privileged"
    world.run("label", "namespace", world.namespace, label, "--overwrite")
    service = world.service(
        model={"uri": f"file://{model_folder.path}/{INSIDE}", "name": "tiny"},
        template={"spec": {"nodeSelector": {"kubernetes.io/hostname": model_folder.node}}},
    )

    world.apply(service)

    world.wait_until_complete()
    assert "data: [DONE]" in world.chat()


_WRITE = """
from pathlib import Path
from e2e.fakes.hub import model
folder = Path("/models/{folder}")
folder.mkdir(parents=True)
for name, content in model.files().items():
    (folder / name).write_bytes(content)
"""
_REMOVE = 'import shutil; shutil.rmtree("/models/{folder}")'


def _run_on_node(kubectl: Kubectl, image: images.Image, node: str, name: str, script: str) -> None:
    """Run Python as root with the allowed folder of a node at /models, until it has ended well.

    A test's own namespace is restricted and would refuse such a pod: it runs beside the Hub.
    """
    container = {
        "name": "main",
        "image": image.reference,
        "command": ["python3", "-c", script],
        "volumeMounts": [{"name": "models", "mountPath": "/models"}],
    }
    spec = {
        "nodeSelector": {"kubernetes.io/hostname": node},
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "containers": [container],
        "volumes": [{"name": "models", "hostPath": {"path": ALLOWED_NODE_PATH, "type": "DirectoryOrCreate"}}],
    }
    metadata = {"name": name, "namespace": HUB_NAMESPACE}
    kubectl.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    pod = ("pod", name, "--namespace", HUB_NAMESPACE)
    ended = ("Succeeded", "Failed")
    wait_until(f"pod {name} has ended", lambda: kubectl.get(*pod)["status"]["phase"] in ended)
    assert kubectl.get(*pod)["status"]["phase"] == "Succeeded", kubectl.run("logs", *pod[1:])
    kubectl.run("delete", *pod)
