"""Where a model comes from: a Hub, a volume claim, a folder of the node."""

import pytest

from e2e.fakes.hub import GATED_REPOSITORY
from e2e.installation import HUB_TOKEN
from e2e.scenarios.world import World

pytestmark = pytest.mark.e2e


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
