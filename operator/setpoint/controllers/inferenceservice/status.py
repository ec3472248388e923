"""Facts turned into the status: conditions, counts, and the address.

Every condition rests on something seen: a fault of the spec, an answer of the API server, a pod's status, an
EndpointSlice.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from setpoint.api.inferenceservice import InferenceService
from setpoint.api.reasons import Reason
from setpoint.api.status import ConditionStatus, ConditionType, InferenceServiceStatus
from setpoint.controllers.inferenceservice.decide import Plan
from setpoint.controllers.inferenceservice.diagnose import Problem, diagnose
from setpoint.controllers.inferenceservice.observe import Snapshot
from setpoint.controllers.inferenceservice.rollout import (
    Rollout,
    is_observed,
    measure,
    of_revision,
    was_completed,
)
from setpoint.controllers.inferenceservice.volumes import awaited_volumes
from setpoint.controllers.report import Verdict, conditions, own_conditions
from setpoint.kube.objects import Object
from setpoint.orchestrations import deployment


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the plan could not be carried out, although the spec itself is sound."""

    reason: Reason
    message: str


def status_of(snapshot: Snapshot, plan: Plan, refusal: Refusal | None, *, now: str) -> Object:
    """Return the whole status as it should stand.

    `now` (RFC 3339) becomes the lastTransitionTime of a condition whose status changed; other times are kept,
    so that an unchanged state gives an unchanged status.
    """
    accepted = _accepted(plan, refusal)
    service = plan.service
    wanted = _wanted(snapshot, service, accepted=accepted[0] is ConditionStatus.TRUE)
    rollout = measure(snapshot, wanted=wanted, revision=plan.revision)
    found = {
        ConditionType.ACCEPTED: accepted,
        ConditionType.READY: _ready(snapshot, plan, rollout),
        ConditionType.PROGRESSING: _progressing(snapshot, plan, rollout, accepted),
    }
    former = snapshot.status
    status = InferenceServiceStatus(
        observed_generation=snapshot.generation,
        conditions=conditions(found, snapshot, now=now),
        url=deployment.service_url(service) if service and snapshot.deployment else former.get("url"),
        replicas=rollout.existing,
        ready_replicas=rollout.routable,
        replica_summary=f"{rollout.routable}/{rollout.wanted}",
        selector=_text(deployment.selector(service)) if service else former.get("selector"),
    )
    return status.model_dump(by_alias=True, exclude_none=True, mode="json")


def part_of_service(status: Object) -> Object:
    """Return what of a whole status this controller writes; the rest is the tuner's."""
    others = {field: value for field, value in status.items() if field not in {"tuning", "conditions"}}
    return own_conditions(status, TYPES) | others


TYPES = frozenset({ConditionType.ACCEPTED, ConditionType.READY, ConditionType.PROGRESSING})
"""The conditions that this controller writes."""


def _accepted(plan: Plan, refusal: Refusal | None) -> Verdict:
    if plan.faults:
        return ConditionStatus.FALSE, plan.faults[0].reason, "; ".join(str(fault) for fault in plan.faults)
    if refusal:
        return ConditionStatus.FALSE, refusal.reason, refusal.message
    return ConditionStatus.TRUE, Reason.ACCEPTED, "the spec can be carried out"


def _wanted(snapshot: Snapshot, service: InferenceService | None, *, accepted: bool) -> int:
    """The number of pods that is pursued: of a spec that is not accepted, the former one's."""
    if service is not None and accepted:
        return service.spec.replicas
    running: int = snapshot.deployment["spec"]["replicas"] if snapshot.deployment else 0
    return running


def _ready(snapshot: Snapshot, plan: Plan, rollout: Rollout) -> Verdict:
    if rollout.routable:
        return (
            ConditionStatus.TRUE,
            Reason.ROUTABLE,
            f"{rollout.routable} pods are routable, {rollout.wanted} wanted",
        )
    problem = plan.service and (
        diagnose(plan.service, snapshot.pods) or awaited_volumes(plan.service, _newest_pods(snapshot, plan))
    )
    if problem:
        return ConditionStatus.FALSE, problem.reason, problem.message
    if rollout.wanted == 0 and snapshot.deployment:
        return ConditionStatus.FALSE, Reason.SCALED_TO_ZERO, "no pod is wanted"
    return ConditionStatus.FALSE, Reason.NO_ROUTABLE_POD, f"no pod is routable, {rollout.wanted} wanted"


def _progressing(snapshot: Snapshot, plan: Plan, rollout: Rollout, accepted: Verdict) -> Verdict:
    if accepted[0] is not ConditionStatus.TRUE:
        return (
            ConditionStatus.FALSE,
            Reason.NOT_ACCEPTED,
            f"generation {snapshot.generation} is not rolled out: see condition Accepted",
        )
    if rollout.complete or was_completed(snapshot):
        # A pod that is replaced later is no rollout: Ready and the counts tell of it.
        return ConditionStatus.FALSE, Reason.COMPLETE, "the newest spec is rolled out"
    still = f"; {rollout.routable} pods go on serving" if rollout.routable else ""
    pods = _newest_pods(snapshot, plan)
    problem = diagnose(plan.service, pods) if plan.service else None
    awaited = awaited_volumes(plan.service, pods) if plan.service else None
    stalled = problem or _deployment_problem(snapshot.deployment, pods)
    if awaited and (stalled is None or stalled.reason is Reason.DEADLINE_EXCEEDED):
        # Past the deadline the Deployment knows no more than that.
        verdict = ConditionStatus.FALSE if stalled else ConditionStatus.TRUE
        return verdict, awaited.reason, awaited.message + still
    if stalled:
        return ConditionStatus.FALSE, stalled.reason, stalled.message + still
    return (
        ConditionStatus.TRUE,
        Reason.ROLLING_OUT,
        f"{rollout.routable} pods are routable, {rollout.wanted} wanted",
    )


def _newest_pods(snapshot: Snapshot, plan: Plan) -> tuple[Object, ...]:
    """The pods of this spec: one of a former spec says nothing of it."""
    return of_revision(snapshot.pods, plan.revision) if plan.revision else ()


def _deployment_problem(live: Object | None, newest: tuple[Object, ...]) -> Problem | None:
    """Why there is no newest pod, or none that is ready, as far as the Deployment knows."""
    if live is None or not is_observed(live):
        return None
    conditions = {item["type"]: item for item in live["status"].get("conditions", ())}
    failure = conditions.get("ReplicaFailure", {})
    if failure.get("status") == "True":
        return Problem(Reason.POD_CREATION_FAILED, f"pods are refused: {failure.get('message', '')}")
    if live["spec"].get("paused") and _is_held(live["status"], newest):
        name, namespace = live["metadata"]["name"], live["metadata"]["namespace"]
        return Problem(
            Reason.PAUSED,
            f"somebody has paused the Deployment (spec.paused): kubectl rollout resume deployment {name}"
            f" --namespace {namespace}",
        )
    if conditions.get("Progressing", {}).get("reason") == "ProgressDeadlineExceeded":
        return Problem(
            Reason.DEADLINE_EXCEEDED,
            "no new pod was ready in time: see kubectl describe pod, or raise spec.engine.startupTimeout",
        )
    return None


def _is_held(status: Object, newest: tuple[Object, ...]) -> bool:
    """Whether a pause keeps pods from being made: one of a Deployment whose pods are all new keeps none."""
    return status.get("updatedReplicas", 0) < status.get("replicas", 0) or not newest


def _text(selector: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in selector.items())
