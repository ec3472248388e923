"""Real vLLM, on the CPU, as pods that Setpoint runs: held to the same contract as the simulator."""

from collections.abc import Iterator
from typing import Any

import pytest

from e2e import images
from e2e.contract.client import Engine
from e2e.contract.vllm import VllmContract
from e2e.installation import port_forward
from e2e.scenarios.world import CHAT, World

pytestmark = [pytest.mark.e2e, pytest.mark.vllm_cpu]

API_KEY = "sesame"
STARTUP_SECONDS = 400
"""Importing torch and compiling nothing takes half a minute on two free cores, and more beside other work."""


def real(world: World, image: images.Image, *args: str) -> dict[str, Any]:
    """The InferenceService of real vLLM."""
    engine = world.engine(*images.ENGINE_ARGS["vllm-cpu"], *args, image=image.reference)
    return world.service(engine={**engine, "apiKeySecretRef": {"name": "keys", "key": "api"}})


@pytest.fixture(scope="module")
def serving(shared_world: World, vllm_cpu: images.Image) -> World:
    """A namespace in which real vLLM serves."""
    shared_world.run("create", "secret", "generic", "keys", f"--from-literal=api={API_KEY}")
    shared_world.apply(real(shared_world, vllm_cpu))
    shared_world.wait_until_complete(seconds=STARTUP_SECONDS)
    return shared_world


@pytest.fixture(scope="module")
def engine(serving: World) -> Iterator[Engine]:
    """The service, reached from here."""
    with port_forward(serving.kubectl, serving.namespace, CHAT) as port:
        yield Engine(f"http://127.0.0.1:{port}", "tiny", API_KEY)


class TestRealVllm(VllmContract):
    """What a running engine must do, by the engine itself."""


def test_what_real_vllm_cannot_start_with_is_explained_in_its_own_words(
    serving: World, vllm_cpu: images.Image
) -> None:
    serving.apply(real(serving, vllm_cpu, "--max-num-batched-tokens=4", "--max-num-seqs=8"))

    message = serving.wait_for("Progressing", "ContainerCrashed", seconds=STARTUP_SECONDS)

    assert "max_num_batched_tokens (4) must be greater than or equal to max_num_seqs (8)" in message
    assert serving.condition("Ready")[:2] == ("True", "Routable")
