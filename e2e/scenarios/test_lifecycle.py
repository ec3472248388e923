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
    assert world.get("infsvc", CHAT)["status"]["replicaSummary"] == "2/2"
    assert len(world.pods()) == 2


def test_a_changed_argument_rolls_out_without_a_failed_request(world: World, interrupt: Interrupt) -> None:
    world.apply(world.service(replicas=2))
    world.wait_until_complete()
    before = {pod["metadata"]["uid"] for pod in world.pods()}
    load = world.start_load()
    wait_until("requests are answered", lambda: load.counts()["answered"] >= 10)

    world.apply(world.service(replicas=2, engine=world.engine("--max-num-seqs=32")))
    interrupt(world)
    world.wait_until_complete(seconds=180)
    wait_until(
        "only new pods are left", lambda: not before & {pod["metadata"]["uid"] for pod in world.pods()}
    )

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
    service = world.service()
    world.apply(service)
    world.wait_until_complete()
    before = world.pods()

    reinstall("settings.imagePullSecrets={no-such-secret}")

    wait_until("the operator is rolled out", lambda: _one_leader(world))
    assert [pod["metadata"]["uid"] for pod in world.pods()] == [pod["metadata"]["uid"] for pod in before]
    assert world.condition("Progressing")[1] == "Complete"


def _one_leader(world: World) -> bool:
    lease = world.kubectl.get("lease", "setpoint", "--namespace", OPERATOR_NAMESPACE)
    pods = world.kubectl.get("pods", "--namespace", OPERATOR_NAMESPACE)["items"]
    return lease["spec"]["holderIdentity"] in {pod["metadata"]["name"] for pod in pods}
