"""A promise reaches the engines that run, and those that start while nobody is there to tell them."""

from typing import Any

import pytest

from e2e.installation import wait_until
from e2e.scenarios.absences import no_operator
from e2e.scenarios.tuned import TEMPLATE, generation, limits_file, samples, started
from e2e.scenarios.world import World

pytestmark = pytest.mark.e2e

OBJECTIVE = "first-token"


def promised(world: World, threshold: str) -> dict[str, Any]:
    """A service that promises its first tokens within a threshold."""
    objective = {"name": OBJECTIVE, "metric": "TimeToFirstToken", "threshold": threshold}
    return world.service(slo={"objectives": [objective]}, template=TEMPLATE)


def verdicts(world: World) -> dict[str, float]:
    """First tokens by verdict."""
    found = samples(world)
    return {
        verdict: found.get(("setpoint_tokens_total", OBJECTIVE, verdict), 0.0) for verdict in ("good", "bad")
    }


def test_a_changed_promise_is_judged_by_the_engine_that_runs(world: World) -> None:
    world.apply(promised(world, "5m"))
    world.wait_until_complete()
    world.chat()
    assert verdicts(world) == {"good": 1.0, "bad": 0.0}
    before = started(world)

    world.apply(promised(world, "1ms"))
    wait_until(
        "the engine has the new promise", lambda: generation(world) == limits_file(world)["generation"] > 1
    )
    world.chat()

    assert verdicts(world) == {"good": 1.0, "bad": 1.0}
    assert started(world) == before


def test_a_pod_that_starts_without_the_operator_has_its_limits_before_it_is_ready(world: World) -> None:
    world.apply(promised(world, "5m"))
    world.wait_until_complete()
    (old,) = world.pods()

    with no_operator(world.kubectl):
        world.run("delete", "pod", old["metadata"]["name"], "--wait=false")

        def names() -> list[str]:
            return [pod["metadata"]["name"] for pod in world.pods() if _is_ready(pod)]

        wait_until("another pod is ready", lambda: names() not in ([], [old["metadata"]["name"]]))
        wait_until("the old one is gone", lambda: len(world.pods()) == 1)
        (new,) = world.pods()
        assert "setpoint.dev/limits" not in new["metadata"].get("annotations", {})
        assert generation(world) == limits_file(world)["generation"]


def _is_ready(pod: dict[str, Any]) -> bool:
    return any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for condition in pod["status"].get("conditions", ())
    )
