"""Auto on real vLLM on the CPU, by a real Prometheus: a running container's limits, and what they outlive."""

import json
from collections.abc import Callable, Iterator

import pytest

from e2e import images, loads
from e2e.installation import wait_until
from e2e.scenarios.absences import no_operator
from e2e.scenarios.test_real_vllm import STARTUP_SECONDS
from e2e.scenarios.tuned import (
    KILL_SWITCH_SECONDS,
    TEMPLATE,
    TUNES_SECONDS,
    generation,
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

pytestmark = [pytest.mark.e2e, pytest.mark.vllm_cpu]

START_TOKENS = 1024
# Ten times the tiny model, with random weights: large enough that a step of prompts is slow on one core.
SHAPE = {
    "hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 6, "num_attention_heads": 8,
    "num_key_value_heads": 8,
}  # fmt: skip
ARGS = (
    "--load-format=dummy",
    f"--hf-overrides={json.dumps(SHAPE)}",
    "--max-num-seqs=16",
    f"--max-num-batched-tokens={START_TOKENS}",
)
OBJECTIVES = [{"name": "between-tokens", "metric": "InterTokenLatency", "threshold": "40ms"}]
"""No step with a whole prompt in it is as quick, and every third step has one."""
LOAD = (
    "--clients=12",
    "--prompt-tokens=uniform:300:400",
    "--output-tokens=uniform:16:48",
    "--duration=1800s",
)


@pytest.fixture(scope="module")
def loaded_world(shared_world: World, vllm_cpu: images.Image, operator: images.Image) -> Iterator[World]:
    """Real vLLM in Auto under a load that breaks its promise, for all tests: each leaves it to the tuner."""
    world = shared_world
    world.apply(
        world.service(
            engine=world.engine(*images.ENGINE_ARGS["vllm-cpu"], *ARGS, image=vllm_cpu.reference),
            slo={"objectives": OBJECTIVES, "window": "1m"},
            tuning={"mode": "Auto", "bounds": {"maxNumBatchedTokens": {"min": 64}}},
            template=TEMPLATE,
        )
    )
    world.wait_until_complete(seconds=STARTUP_SECONDS)
    url = world.get("infsvc", CHAT)["status"]["url"]
    load = loads.LoadTest(world.kubectl, world.namespace, "load", operator, url, LOAD, model="tiny")
    with under(load):
        yield world


def test_a_broken_promise_lowers_the_budget_of_the_running_container(loaded_world: World) -> None:
    before = started(loaded_world)
    wait_until_lowered(loaded_world, START_TOKENS)

    assert started(loaded_world) == before
    wait_until("the status tells why", lambda: lowered_for_gaps(loaded_world))


def test_a_container_that_dies_without_an_operator_has_its_limits_again_before_it_is_ready(
    loaded_world: World,
) -> None:
    wait_until(
        "a smaller budget is wanted", lambda: bool(limits_file(loaded_world)["limits"]), seconds=TUNES_SECONDS
    )
    with no_operator(loaded_world.kubectl):
        restart_container(loaded_world, seconds=STARTUP_SECONDS)
        written = limits_file(loaded_world)
        assert generation(loaded_world) == written["generation"]
        assert tokens_in_force(loaded_world) == written["limits"]["tokens"]


def test_the_kill_switch_puts_the_start_values_back(
    loaded_world: World, reinstall: Callable[..., None]
) -> None:
    wait_until_lowered(loaded_world, START_TOKENS)
    reinstall("tuning.killSwitch=true")
    wait_until_at_start(loaded_world, START_TOKENS, seconds=KILL_SWITCH_SECONDS)
