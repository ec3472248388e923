"""From apply to an answer, and every change after it; each also with the operator's leader killed in the
middle.
"""

import json
from collections.abc import Callable

import pytest

from e2e.clusters.progress import say
from e2e.installation import NAMESPACE as OPERATOR_NAMESPACE
from e2e.installation import wait_until
from e2e.scenarios.world import CHAT, World

pytestmark = pytest.mark.e2e

Interrupt = Callable[[World], None]


def _undisturbed(_: World) -> None:
    pass


def _kill_leader(world: World) -> None:
    say(f"killed the leader {world.kill_leader()}")


@pytest.fixture(params=[_undisturbed, _kill_leader], ids=["undisturbed", "leader killed"])
def interrupt(request: pytest.FixtureRequest) -> Interrupt:
    """What happens in the middle of the step."""
    what: Interrupt = request.param
    return what


def test_a_service_is_created_and_answers(world: World, interrupt: Interrupt) -> None:
    world.apply(world.service())
    interrupt(world)

    world.wait_until_complete()

    assert world.condition("Ready")[:2] == ("True", "Routable")
    answer = world.chat()
    assert '"finish_reason"' in answer
    assert answer.rstrip().endswith("data: [DONE]")


def test_a_service_is_scaled_by_kubectl(world: World, interrupt: Interrupt) -> None:
    world.apply(world.service())
    world.wait_until_complete()

    world.run("scale", "infsvc", CHAT, "--replicas=2")
    interrupt(world)

    world.wait_until_complete()
    world.wait_for_replicas("2/2")
    assert len(world.pods()) == 2


@pytest.mark.parametrize("replicas", [1, 2])
def test_a_changed_argument_rolls_out_without_a_failed_request_and_stays_ready(
    world: World, interrupt: Interrupt, replicas: int
) -> None:
    world.apply(world.service(replicas=replicas))
    world.wait_until_complete()
    before = {pod["metadata"]["uid"] for pod in world.pods()}
    load = world.start_load()
    wait_until("requests are answered", lambda: load.counts()["answered"] >= 10)

    with world.watch() as watch:
        wait_until("the watch has begun", lambda: bool(watch.condition("Ready")))
        world.apply(world.service(replicas=replicas, engine=world.engine("--max-num-seqs=32")))
        interrupt(world)
        world.wait_until_complete(seconds=180)
        wait_until(
            "only new pods are left", lambda: not before & {pod["metadata"]["uid"] for pod in world.pods()}
        )
        progressing, ready = watch.condition("Progressing"), watch.condition("Ready")

    assert {item["reason"] for item in progressing} > {"Complete"}, "the watch saw nothing of the rollout"
    assert {item["status"] for item in ready} == {"True"}, ready
    answered = load.counts()["answered"]
    wait_until("requests go on being answered", lambda: load.counts()["answered"] >= answered + 20)
    counts = load.counts()
    assert counts["failed"] == 0, counts


def test_a_broken_change_leaves_the_old_version_serving_until_the_fix(
    world: World, interrupt: Interrupt
) -> None:
    world.apply(world.service())
    world.wait_until_complete()
    (old,) = world.pods()

    world.apply(world.service(engine=world.engine("--no-such-flag")))
    interrupt(world)

    message = world.wait_for("Progressing", "ContainerCrashed")
    assert "--no-such-flag" in message
    assert "go on serving" in message
    assert world.condition("Ready")[:2] == ("True", "Routable")
    assert old["metadata"]["uid"] in {pod["metadata"]["uid"] for pod in world.pods()}
    assert "data: [DONE]" in world.chat()

    world.apply(world.service(engine=world.engine("--max-num-seqs=16")))

    world.wait_until_complete()
    assert "data: [DONE]" in world.chat()


def test_a_deleted_service_leaves_nothing(world: World, interrupt: Interrupt) -> None:
    world.apply(world.service())
    world.wait_until_complete()

    world.run("delete", "infsvc", CHAT, "--wait=false")
    interrupt(world)

    kinds = (
        "infsvc,deployments,replicasets,pods,services,endpointslices,serviceaccounts,controllerrevisions,pdb"
    )
    wait_until(
        "nothing is left",
        lambda: (
            not json.loads(
                world.run("get", kinds, "-l", f"setpoint.dev/inferenceservice={CHAT}", "-o", "json")
            )["items"]
        ),
    )


def test_an_upgrade_of_the_operator_restarts_no_engine(world: World, reinstall: Callable[..., None]) -> None:
    world.apply(world.service())
    world.wait_until_complete()
    (engine,) = world.pods()
    operators = _operators(world)

    # A setting that the engines' pods would be made with today.
    reinstall("settings.imagePullSecrets={no-such-secret}")

    world.kubectl.run(
        "rollout", "status", "deployment/setpoint", "--namespace", OPERATOR_NAMESPACE, "--timeout=120s"
    )
    wait_until("a new replica leads", lambda: world.leader() in _operators(world) - operators)
    # What the new operator does about the service is seen once it has carried out a change.
    world.run("scale", "infsvc", CHAT, "--replicas=2")
    world.wait_until_complete()
    world.wait_for_replicas("2/2")
    kept = [pod for pod in world.pods() if "deletionTimestamp" not in pod["metadata"]]
    assert engine["metadata"]["uid"] in {pod["metadata"]["uid"] for pod in kept}


def _operators(world: World) -> set[str]:
    pods = world.kubectl.get("pods", "--namespace", OPERATOR_NAMESPACE)["items"]
    return {pod["metadata"]["name"] for pod in pods}
