"""Auto holds a promise on a running engine: a real Prometheus, a simulated H100 under load, no restart."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from e2e import images, loads
from e2e.installation import Kubectl, wait_until
from e2e.scenarios.absences import no_operator, no_prometheus
from e2e.scenarios.test_promise import samples, started
from e2e.scenarios.world import CHAT, World

pytestmark = pytest.mark.e2e

TUNES_SECONDS = 240
KILL_SWITCH_SECONDS = 60
START_TOKENS = 8192
"""vLLM's default on an H100."""


def tokens_in_force(world: World) -> float:
    """The token budget that the engine shows."""
    return samples(world)["setpoint_engine_limit", "0", "tokens"]


def limits_written(world: World) -> dict[str, int]:
    """What the limits file in the ConfigMap wants."""
    content = json.loads(world.get("configmap", f"{CHAT}-limits")["data"]["limits.json"])
    limits: dict[str, int] = content["limits"]
    return limits


def wait_until_lowered(world: World) -> None:
    """Wait until the engine keeps to a smaller token budget than it was started with."""
    wait_until(
        "a smaller budget is in force", lambda: tokens_in_force(world) < START_TOKENS, seconds=TUNES_SECONDS
    )


@pytest.fixture(scope="module")
def loaded_world(shared_world: World, operator: images.Image) -> Iterator[World]:
    """A service in Auto whose promise its load breaks, for all tests: each leaves it to the tuner again."""
    world = shared_world
    manifest = world.service()
    manifest["spec"] = loads.promising(world.stand_in, tuning={"mode": "Auto"})
    world.apply(manifest)
    world.wait_until_complete()
    world.chat("llama-8b")
    url = world.get("infsvc", CHAT)["status"]["url"]
    busy = loads.at_rates(loads.BUSY_RATE, stage_seconds=1800)
    load = loads.LoadTest(world.kubectl, world.namespace, "load", operator, url, busy)
    load.start()
    try:
        yield world
    finally:
        load.stop()


@pytest.fixture
def under_load(loaded_world: World) -> World:
    """The same, with a token budget in force that the guard has lowered."""
    wait_until_lowered(loaded_world)
    return loaded_world


def test_a_broken_promise_lowers_the_budget_of_the_running_container_until_it_is_kept(
    loaded_world: World,
) -> None:
    before = started(loaded_world)
    wait_until_lowered(loaded_world)
    loaded_world.wait_for("SLOMet", "Met", seconds=TUNES_SECONDS)

    assert started(loaded_world) == before
    policies = [each["policy"] for each in loaded_world.get("infsvc", CHAT)["status"]["tuning"]["decisions"]]
    assert "SmallerBudget" in policies


def test_without_prometheus_limits_stay_and_the_promise_is_unknown(
    under_load: World, kubectl: Kubectl
) -> None:
    with no_prometheus(kubectl):
        under_load.wait_for("SLOMet", "SignalLost", seconds=90)
        assert under_load.condition("SLOMet")[0] == "Unknown"
        assert limits_written(under_load)
        assert tokens_in_force(under_load) < START_TOKENS


def test_a_container_that_starts_anew_has_the_limits_before_it_is_ready(under_load: World) -> None:
    (pod,) = under_load.pods()
    (before,) = pod["status"]["containerStatuses"]
    under_load.run("exec", pod["metadata"]["name"], "--", "python3", "-c", "import os; os.kill(1, 15)")

    def restarted() -> bool:
        (status,) = under_load.pods()[0]["status"]["containerStatuses"]
        return bool(status["restartCount"] > before["restartCount"] and status["ready"])

    wait_until("the container runs again", restarted)
    assert tokens_in_force(under_load) < START_TOKENS


def test_the_kill_switch_puts_the_start_values_back_and_an_operator_killed_after_it_is_followed(
    under_load: World, reinstall: Callable[..., None]
) -> None:
    reinstall("tuning.killSwitch=true")
    wait_until(
        "start values", lambda: tokens_in_force(under_load) == START_TOKENS, seconds=KILL_SWITCH_SECONDS
    )
    assert under_load.condition("Tuning")[:2] == ("False", "KillSwitch")

    reinstall()
    wait_until("the next change is wanted", lambda: wanted(under_load), seconds=TUNES_SECONDS)
    under_load.kill_leader()
    wait_until_lowered(under_load)


def test_a_lease_that_nobody_renews_ends_in_the_start_values(under_load: World) -> None:
    with no_operator(under_load.kubectl):
        found = under_load.get("configmap", f"{CHAT}-limits")
        content: dict[str, Any] = json.loads(found["data"]["limits.json"])
        content["generation"] += 1
        content["expires"] = 0
        patch = {"data": {"limits.json": json.dumps(content)}}
        under_load.run("patch", "configmap", f"{CHAT}-limits", "--type=merge", f"--patch={json.dumps(patch)}")
        # A kubelet takes up to two minutes for a ConfigMap.
        wait_until("start values", lambda: tokens_in_force(under_load) == START_TOKENS, seconds=TUNES_SECONDS)


def wanted(world: World) -> bool:
    """Whether the tuner wants a limit."""
    return bool(world.get("tuningcheckpoint", CHAT)["spec"].get("limits"))
