from dataclasses import replace
from typing import Any

import pytest

from setpoint.api.inferenceservice import InferenceService
from setpoint.api.reasons import Reason
from setpoint.controllers.inferenceservice.decide import Plan
from setpoint.controllers.inferenceservice.observe import Snapshot
from setpoint.controllers.inferenceservice.status import Refusal, status_of
from setpoint.faults import Fault
from setpoint.kube.objects import Object
from tests.controllers.inferenceservice.builders import (
    REVISION,
    endpoint_slice,
    live_deployment,
    pod,
    service_object,
    serving,
    snapshot,
)

NOW = "2026-01-02T03:04:05Z"
LATER = "2026-01-02T04:00:00Z"
FAULT = Fault("spec.engine.args[0]", "--port=1", "is Setpoint's to set: remove it", Reason.RESERVED_ARGUMENT)
LATE = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
TEMPLATE_WITH_SECRET = {
    "spec": {
        "volumes": [{"name": "tls", "secret": {"secretName": "certificate"}}],
        "containers": [{"name": "main", "volumeMounts": [{"name": "tls", "mountPath": "/tls"}]}],
    }
}


def status(
    state: Snapshot, *, faults: tuple[Fault, ...] = (), refusal: Refusal | None = None, now: str = NOW
) -> Object:
    plan = Plan(faults=faults, service=InferenceService.model_validate(state.service), revision=REVISION)
    return status_of(state, plan, refusal, now=now)


def condition(of: Object, kind: str) -> tuple[str, str]:
    found = next(item for item in of["conditions"] if item["type"] == kind)
    return found["status"], found["reason"]


def message(of: Object, kind: str) -> str:
    found = next(item for item in of["conditions"] if item["type"] == kind)
    return str(found["message"])


def test_a_service_with_its_newest_pod_routable_is_ready_and_done() -> None:
    seen = status(serving())

    assert condition(seen, "Accepted") == ("True", "Accepted")
    assert condition(seen, "Ready") == ("True", "Routable")
    assert condition(seen, "Progressing") == ("False", "Complete")
    assert seen["replicaSummary"] == "1/1"
    assert seen["url"] == "http://chat.team-a.svc/v1"


def test_a_new_service_is_progressing_and_not_ready() -> None:
    seen = status(snapshot())

    assert condition(seen, "Ready") == ("False", "NoRoutablePod")
    assert condition(seen, "Progressing") == ("True", "RollingOut")
    assert "url" not in seen


def test_a_rollout_behind_a_serving_old_pod_stays_ready() -> None:
    seen = status(
        snapshot(
            service_object(generation=2),
            deployment=live_deployment(generation=2, observed=2, existing=2, updated=1),
            pods=(pod("chat-old"), pod("chat-new", ready=False)),
            endpoint_slices=(endpoint_slice("chat-old"),),
        )
    )

    assert condition(seen, "Ready") == ("True", "Routable")
    assert condition(seen, "Progressing") == ("True", "RollingOut")


def test_a_broken_rollout_says_why_and_that_the_old_pods_serve() -> None:
    seen = status(
        snapshot(
            deployment=live_deployment(existing=2, updated=1),
            pods=(pod("chat-old"), pod("chat-new", ready=False, waiting=("ImagePullBackOff", "no such tag"))),
            endpoint_slices=(endpoint_slice("chat-old"),),
        )
    )

    progressing = next(item for item in seen["conditions"] if item["type"] == "Progressing")
    assert condition(seen, "Ready") == ("True", "Routable")
    assert progressing["reason"] == "ImagePullFailed"
    assert "1 pods go on serving" in progressing["message"]


def test_a_spec_with_a_fault_is_not_accepted_while_what_serves_stays_ready() -> None:
    seen = status(serving(service_object(generation=2)), faults=(FAULT,))

    assert condition(seen, "Accepted") == ("False", Reason.RESERVED_ARGUMENT)
    assert condition(seen, "Ready") == ("True", "Routable")
    assert condition(seen, "Progressing") == ("False", "NotAccepted")


def test_every_fault_is_told_at_once() -> None:
    seen = status(snapshot(), faults=(FAULT, replace(FAULT, field="spec.engine.args[1]")))

    message = next(item["message"] for item in seen["conditions"] if item["type"] == "Accepted")
    assert "args[0]" in message
    assert "args[1]" in message


def test_a_refusal_of_the_api_server_is_told() -> None:
    seen = status(snapshot(), refusal=Refusal(Reason.NAME_TAKEN, "Service team-a/chat exists"))

    assert condition(seen, "Accepted") == ("False", "NameTaken")


def test_pods_that_the_api_server_refuses_are_told() -> None:
    refused = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: gpus"}

    seen = status(snapshot(deployment=live_deployment(existing=0, updated=0, conditions=(refused,))))

    assert condition(seen, "Progressing") == ("False", "PodCreationFailed")


def test_a_service_scaled_to_zero_is_done_and_not_ready() -> None:
    seen = status(
        snapshot(service_object(replicas=0), deployment=live_deployment(wanted=0, existing=0, updated=0))
    )

    assert condition(seen, "Ready") == ("False", "ScaledToZero")
    assert condition(seen, "Progressing") == ("False", "Complete")


def test_an_unchanged_state_gives_an_unchanged_status_at_any_time() -> None:
    first = status(serving())

    second = status(serving(service_object(status=first)), now=LATER)

    assert second == first


def test_a_condition_that_turns_gets_a_new_transition_time_and_the_others_keep_theirs() -> None:
    before = status(serving())

    after = status(
        snapshot(service_object(status=before), deployment=live_deployment(), pods=(pod(ready=False),)),
        now=LATER,
    )

    times = {item["type"]: item["lastTransitionTime"] for item in after["conditions"]}
    assert times == {"Accepted": NOW, "Ready": LATER, "Progressing": NOW}


def test_every_condition_speaks_of_the_generation_that_was_decided_on() -> None:
    seen = status(serving(service_object(generation=7)))

    assert {item["observedGeneration"] for item in seen["conditions"]} == {7}
    assert seen["observedGeneration"] == 7


def test_a_problem_of_the_former_specs_pods_is_not_told_of_the_newest() -> None:
    seen = status(
        snapshot(
            service_object(generation=3),
            deployment=live_deployment(generation=3, observed=2, existing=2),
            pods=(
                pod("chat-old"),
                pod(
                    "chat-broken", ready=False, revision="former", waiting=("ImagePullBackOff", "no such tag")
                ),
            ),
            endpoint_slices=(endpoint_slice("chat-old"),),
        )
    )

    assert condition(seen, "Progressing") == ("True", "RollingOut")


def test_what_the_deployment_says_of_a_former_template_is_not_told_of_the_newest() -> None:
    seen = status(snapshot(deployment=live_deployment(generation=2, observed=1, conditions=(LATE,))))

    assert condition(seen, "Progressing") == ("True", "RollingOut")


def test_a_rollout_that_was_complete_stays_so_when_a_pod_is_replaced() -> None:
    before = status(serving())

    after = status(
        snapshot(service_object(status=before), deployment=live_deployment(), pods=(pod(ready=False),))
    )

    assert condition(after, "Ready") == ("False", "NoRoutablePod")
    assert condition(after, "Progressing") == ("False", "Complete")


def test_a_new_service_that_is_not_accepted_is_not_called_scaled_to_zero() -> None:
    seen = status(snapshot(), faults=(FAULT,))

    assert condition(seen, "Ready") == ("False", "NoRoutablePod")


def test_pods_of_a_deleted_namesake_are_not_routable_by_this_service() -> None:
    orphaned = snapshot(pods=(pod(),), endpoint_slices=(endpoint_slice("chat-1"),))

    assert condition(status(orphaned), "Ready") == ("False", "NoRoutablePod")


def test_a_message_is_bounded_and_carries_no_credential() -> None:
    refusal = Refusal(Reason.REJECTED, "denied https://user:passw0rd@hub.example hf_abcdefgh " + "x" * 40_000)

    message = next(item["message"] for item in status(snapshot(), refusal=refusal)["conditions"])

    assert len(message) <= 4096
    assert "passw0rd" not in message
    assert "hf_abc" not in message


@pytest.mark.parametrize("in_time", [True, False])
def test_a_pod_that_waits_for_its_volumes_is_told_and_stalls_the_rollout_once_its_time_is_over(
    in_time: bool,
) -> None:
    seen = status(
        snapshot(
            service_object(template=TEMPLATE_WITH_SECRET),
            deployment=live_deployment(conditions=() if in_time else (LATE,)),
            pods=(pod(ready=False, mounted=False),),
        )
    )

    assert condition(seen, "Ready") == ("False", "WaitingForVolumes")
    assert condition(seen, "Progressing") == (str(in_time), "WaitingForVolumes")


@pytest.mark.parametrize("conditions", [(), (LATE,)], ids=["in time", "late"])
def test_a_deployment_that_somebody_paused_is_told_until_the_rollout_is_complete(
    conditions: tuple[Object, ...],
) -> None:
    endpoints = (endpoint_slice("chat-1"),)

    seen = status(
        snapshot(
            deployment=live_deployment(updated=0, paused=True, conditions=conditions),
            pods=(pod(revision="former"),),
            endpoint_slices=endpoints,
        )
    )
    assert condition(seen, "Progressing") == ("False", "Paused")
    assert "kubectl rollout resume deployment chat --namespace team-a" in message(seen, "Progressing")
    assert condition(seen, "Ready") == ("True", "Routable")

    seen = status(snapshot(deployment=live_deployment(paused=True), pods=(pod(),), endpoint_slices=endpoints))
    assert condition(seen, "Progressing") == ("False", "Complete")


def test_a_pause_in_the_middle_of_a_rollout_is_told() -> None:
    paused = live_deployment(wanted=2, existing=3, updated=1, paused=True)

    seen = status(snapshot(service_object(replicas=2), deployment=paused, pods=(pod(),)))

    assert condition(seen, "Progressing") == ("False", "Paused")


def test_a_pause_before_the_first_pod_is_told() -> None:
    seen = status(snapshot(deployment=live_deployment(existing=0, updated=0, paused=True)))

    assert condition(seen, "Progressing") == ("False", "Paused")


@pytest.mark.parametrize("paused", [True, False])
def test_a_pause_that_keeps_no_pod_from_being_made_is_not_what_is_waited_for(paused: bool) -> None:
    seen = status(snapshot(deployment=live_deployment(paused=paused), pods=(pod(ready=False),)))

    assert condition(seen, "Progressing") == ("True", "RollingOut")


def test_a_pause_that_the_deployment_controller_has_not_seen_is_not_told_yet() -> None:
    unseen = live_deployment(generation=2, observed=1, updated=0, paused=True)

    assert condition(status(snapshot(deployment=unseen)), "Progressing") == ("True", "RollingOut")


def test_what_a_pod_or_the_deployment_suffers_from_is_told_before_a_pause() -> None:
    held = live_deployment(existing=2, updated=1, paused=True)
    broken = pod(ready=False, waiting=("ImagePullBackOff", "no such tag"))
    refused = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: gpus"}

    seen = status(snapshot(deployment=held, pods=(broken,)))
    assert condition(seen, "Progressing") == ("False", "ImagePullFailed")

    seen = status(snapshot(deployment=live_deployment(updated=0, paused=True, conditions=(refused,))))
    assert condition(seen, "Progressing") == ("False", "PodCreationFailed")


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"waiting": ("ImagePullBackOff", "no such tag")}, "ImagePullFailed"),
        ({"terminated": {"exitCode": 1}}, "ContainerCrashed"),
    ],
)
def test_what_a_pod_says_of_itself_is_told_before_the_volumes_it_may_wait_for(
    broken: Any, reason: str
) -> None:
    seen = status(
        snapshot(
            service_object(template=TEMPLATE_WITH_SECRET),
            deployment=live_deployment(),
            pods=(pod(ready=False, mounted=False, **broken),),
        )
    )

    assert condition(seen, "Ready") == ("False", reason)
    assert condition(seen, "Progressing") == ("False", reason)


def test_the_pods_that_go_on_serving_are_told_while_a_new_one_waits_for_its_volumes() -> None:
    seen = status(
        snapshot(
            service_object(template=TEMPLATE_WITH_SECRET),
            deployment=live_deployment(existing=2, updated=1),
            pods=(pod("chat-old", revision="former"), pod("chat-new", ready=False, mounted=False)),
            endpoint_slices=(endpoint_slice("chat-old"),),
        )
    )

    assert condition(seen, "Progressing") == ("True", "WaitingForVolumes")
    assert message(seen, "Progressing").endswith("; 1 pods go on serving")
