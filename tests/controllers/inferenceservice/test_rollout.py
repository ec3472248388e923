from setpoint.controllers.inferenceservice.rollout import measure, routable_pods
from tests.controllers.inferenceservice.builders import (
    REVISION,
    endpoint_slice,
    live_deployment,
    pod,
    serving,
    snapshot,
)


def test_a_pod_is_routable_when_it_is_ready_and_a_ready_endpoint() -> None:
    assert [pod["metadata"]["name"] for pod in routable_pods(serving())] == ["chat-1"]


def test_a_ready_pod_that_is_in_no_slice_is_not_routable() -> None:
    assert not routable_pods(snapshot(deployment=live_deployment(), pods=(pod(),)))


def test_an_endpoint_that_outlived_its_pod_is_not_routable() -> None:
    assert not routable_pods(
        snapshot(deployment=live_deployment(), endpoint_slices=(endpoint_slice("chat-1"),))
    )


def test_an_endpoint_that_is_not_ready_is_not_routable() -> None:
    assert not routable_pods(
        snapshot(
            deployment=live_deployment(),
            pods=(pod(),),
            endpoint_slices=(endpoint_slice("chat-1", ready=False),),
        )
    )


def test_a_pod_that_drains_is_not_routable() -> None:
    assert not routable_pods(
        snapshot(
            deployment=live_deployment(),
            pods=(pod(leaving=True),),
            endpoint_slices=(endpoint_slice("chat-1"),),
        )
    )


def test_a_rollout_is_complete_when_only_newest_pods_exist_and_all_are_routable() -> None:
    assert measure(serving(), wanted=1, revision=REVISION).complete


def test_a_rollout_is_not_complete_before_the_deployment_controller_saw_the_newest_template() -> None:
    state = snapshot(
        deployment=live_deployment(generation=2, observed=1),
        pods=(pod(),),
        endpoint_slices=(endpoint_slice("chat-1"),),
    )

    assert not measure(state, wanted=1, revision=REVISION).complete


def test_a_rollout_is_not_complete_while_old_pods_exist() -> None:
    state = snapshot(
        deployment=live_deployment(existing=2, updated=1),
        pods=(pod("chat-1"), pod("chat-2")),
        endpoint_slices=(endpoint_slice("chat-1", "chat-2"),),
    )

    assert not measure(state, wanted=1, revision=REVISION).complete


def test_a_rollout_is_not_complete_while_a_new_pod_is_not_routable() -> None:
    state = snapshot(deployment=live_deployment(), pods=(pod(),))

    assert not measure(state, wanted=1, revision=REVISION).complete
