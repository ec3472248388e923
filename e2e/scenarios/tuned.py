"""A service whose running engine is told its limits: what is written, what it shows, and a load on it."""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from e2e.contract.client import Samples, by_labels, parse_metrics
from e2e.installation import port_forward, wait_until
from e2e.loads import LoadTest
from e2e.scenarios.world import CHAT, World

TUNES_SECONDS = 240
KILL_SWITCH_SECONDS = 60
TEMPLATE = {"spec": {"containers": [{"name": "main", "env": [{"name": "PYTHONPATH", "value": ""}]}]}}
"""What says that an image of one's own sets no PYTHONPATH, which the plugin's would replace."""


def samples(world: World) -> Samples:
    """What an engine of the service shows, values by name and labels' values."""
    with (
        port_forward(world.kubectl, world.namespace, CHAT) as port,
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer,
    ):
        return by_labels(parse_metrics(answer.read().decode()))


def generation(world: World) -> float | None:
    """Of the limits that are in force in an engine, where this service wrote them."""
    uid = world.get("infsvc", CHAT)["metadata"]["uid"]
    return samples(world).get(("setpoint_engine_limit_generation", "0", uid))


def tokens_in_force(world: World) -> float:
    """The token budget that the engine shows."""
    return samples(world)["setpoint_engine_limit", "0", "tokens"]


def limits_file(world: World) -> dict[str, Any]:
    """The limits file that the operator wrote."""
    content: dict[str, Any] = json.loads(world.get("configmap", f"{CHAT}-limits")["data"]["limits.json"])
    return content


def started(world: World) -> list[str]:
    """The containers that ran or run, each with how often."""
    statuses = [status for pod in world.pods() for status in pod["status"]["containerStatuses"]]
    return [f"{status['containerID']} {status['restartCount']}" for status in statuses]


def policies(world: World) -> list[str]:
    """Those by which limits moved, the newest first."""
    return [each["policy"] for each in world.get("infsvc", CHAT)["status"]["tuning"]["decisions"]]


def lowered_for_gaps(world: World) -> bool:
    """Whether the status tells of a smaller token budget, by a step of the guard's or by a plan."""
    return not {"Plan", "SmallerBudget"}.isdisjoint(policies(world))


def wait_until_lowered(world: World, start_tokens: int) -> None:
    """Wait until the engine keeps to a smaller token budget than it was started with."""
    wait_until(
        "a smaller budget is in force", lambda: tokens_in_force(world) < start_tokens, seconds=TUNES_SECONDS
    )


def wait_until_at_start(world: World, start_tokens: int, *, seconds: float) -> None:
    """Wait until the engine keeps to the token budget that it was started with."""
    wait_until("start values", lambda: tokens_in_force(world) == start_tokens, seconds=seconds)


def restart_container(world: World, *, seconds: float = 120) -> None:
    """End the engine's only container, and wait until it runs again and is ready."""
    (pod,) = world.pods()
    (before,) = pod["status"]["containerStatuses"]
    world.run("exec", pod["metadata"]["name"], "--", "python3", "-c", "import os; os.kill(1, 15)")

    def restarted() -> bool:
        (status,) = world.pods()[0]["status"]["containerStatuses"]
        return bool(status["restartCount"] > before["restartCount"] and status["ready"])

    wait_until("the container runs again", restarted, seconds=seconds)


@contextmanager
def under(load: LoadTest) -> Iterator[None]:
    """A load for a while."""
    load.start()
    try:
        yield
    finally:
        load.stop()
