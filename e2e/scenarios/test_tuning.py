"""Auto holds a promise on a running engine: a real Prometheus, a simulated H100 under load, no restart."""

import json
from collections.abc import Callable, Iterator

import pytest

from e2e import images, loads
from e2e.installation import Kubectl, wait_until
from e2e.scenarios.absences import no_operator, no_prometheus
from e2e.scenarios.tuned import (
    KILL_SWITCH_SECONDS,
    TUNES_SECONDS,
    limits_file,
    lowered_for_gaps,
    restart_container,
    started,
    tokens_in_force,
    under,
    wait_until_at_start,
    wait_until_lowered,
)
from e2e.scenarios.world import CHAT, World

pytestmark = pytest.mark.e2e

START_TOKENS = 8192
"""vLLM's default on an H100."""


@pytest.fixture(scope="module")
def loaded_world(shared_world: World, operator: images.Image) -> Iterator[World]:
    """A service in Auto whose promise its load breaks, for all tests: each leaves it to the tuner again."""
    world = shared_world
    manifest = world.service()
    manifest["spec"] = loads.promising(world.stand_in, loads.TIGHT, tuning={"mode": "Auto"})
    world.apply(manifest)
    world.wait_until_complete()
    world.chat("llama-8b")
    url = world.get("infsvc", CHAT)["status"]["url"]
    busy = loads.at_rates(loads.BUSY_RATE, stage_seconds=1800, promise=loads.TIGHT)
    load = loads.LoadTest(world.kubectl, world.namespace, "load", operator, url, busy)
    with under(load):
        yield world


@pytest.fixture
def under_load(loaded_world: World) -> World:
    """The same, with a token budget in force that the guard has lowered."""
    wait_until_lowered(loaded_world, START_TOKENS)
    return loaded_world


def test_a_broken_promise_lowers_the_budget_of_the_running_container_until_it_is_kept(
    loaded_world: World,
) -> None:
    before = started(loaded_world)
    wait_until_lowered(loaded_world, START_TOKENS)
    loaded_world.wait_for("SLOMet", "Met", seconds=TUNES_SECONDS)

    assert started(loaded_world) == before
    assert lowered_for_gaps(loaded_world)


def test_without_prometheus_limits_stay_and_the_promise_is_unknown(
    under_load: World, kubectl: Kubectl
) -> None:
    with no_prometheus(kubectl):
        under_load.wait_for("SLOMet", "SignalLost", seconds=90)
        assert under_load.condition("SLOMet")[0] == "Unknown"
        assert limits_file(under_load)["limits"]
        assert tokens_in_force(under_load) < START_TOKENS


def test_a_container_that_starts_anew_has_the_limits_before_it_is_ready(under_load: World) -> None:
    restart_container(under_load)
    assert tokens_in_force(under_load) < START_TOKENS


def test_the_kill_switch_puts_the_start_values_back_and_an_operator_killed_after_it_is_followed(
    under_load: World, reinstall: Callable[..., None]
) -> None:
    reinstall("tuning.killSwitch=true")
    wait_until_at_start(under_load, START_TOKENS, seconds=KILL_SWITCH_SECONDS)
    assert under_load.condition("Tuning")[:2] == ("False", "KillSwitch")

    reinstall()
    wait_until("the next change is wanted", lambda: wanted(under_load), seconds=TUNES_SECONDS)
    under_load.kill_leader()
    wait_until_lowered(under_load, START_TOKENS)


def test_a_lease_that_nobody_renews_ends_in_the_start_values(under_load: World) -> None:
    with no_operator(under_load.kubectl):
        content = limits_file(under_load)
        content["generation"] += 1
        content["expires"] = 0
        patch = {"data": {"limits.json": json.dumps(content)}}
        under_load.run("patch", "configmap", f"{CHAT}-limits", "--type=merge", f"--patch={json.dumps(patch)}")
        # A kubelet takes up to two minutes for a ConfigMap.
        wait_until_at_start(under_load, START_TOKENS, seconds=TUNES_SECONDS)


def wanted(world: World) -> bool:
    """Whether the tuner wants a limit."""
    return bool(world.get("tuningcheckpoint", CHAT)["spec"].get("limits"))
