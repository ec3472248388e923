"""What is known of one service, picked out of its objects. Pure.

What it reads may be written by another version of the operator, or by hand: what is absent is left out, and
never fails.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from setpoint.api.status import ConditionType
from setpoint.cli.status_facts import Change, Condition, Facts, Limit, Objective, Pod
from setpoint.kube.objects import Object
from setpoint.orchestrations.live_limits import ANNOTATION, NAMES, wanted_by
from setpoint_vllm.limits_file import parse

HOUR_SECONDS = 3600.0


@dataclass(frozen=True)
class Found:
    """The objects of one service, as the API server had them."""

    service: Object
    pods: tuple[Object, ...] = ()
    endpoint_slices: tuple[Object, ...] = ()
    checkpoint: Object | None = None
    unread: Mapping[str, str] = field(default_factory=dict)
    """What could not be read, by its plural name, and why."""


def facts_of(found: Found, now_seconds: float) -> Facts:
    """Return what the objects tell, at a Unix time."""
    service = found.service
    metadata, spec, status = service["metadata"], service.get("spec") or {}, service.get("status") or {}
    tuning = status.get("tuning") or {}
    model = spec.get("model") or {}
    return Facts(
        namespace=metadata["namespace"],
        name=metadata["name"],
        model=model.get("name") or model.get("uri") or "",
        mode=(spec.get("tuning") or {}).get("mode", "Recommend"),
        has_promise="slo" in spec,
        now_seconds=now_seconds,
        is_observed=status.get("observedGeneration") == metadata.get("generation"),
        replicas=spec.get("replicas", 1),
        conditions=_conditions(status, metadata),
        pods=_pods(found),
        objectives=_objectives(spec, tuning),
        good_share=tuning.get("goodShare", ""),
        estimated=_estimated(tuning),
        window=tuning.get("window", ""),
        limits=_limits(tuning),
        lease_ends_seconds=_lease_end(found),
        changes=_changes(tuning, now_seconds - HOUR_SECONDS),
        recommendation=tuning.get("recommendation", ""),
        unread=found.unread,
    )


def _conditions(status: Object, metadata: Object) -> dict[str, Condition]:
    """In the order of the page."""
    found = {each["type"]: _condition(each, metadata) for each in status.get("conditions") or ()}
    return {kind: found[kind] for kind in sorted(found, key=_place)}


def _place(kind: str) -> int:
    order: list[str] = list(ConditionType)
    return order.index(kind) if kind in order else len(order)


def _condition(of: Object, metadata: Object) -> Condition:
    return Condition(
        status=of["status"],
        reason=of["reason"],
        message=of.get("message", ""),
        since_seconds=unix_seconds(of.get("lastTransitionTime")),
        is_current=of.get("observedGeneration", 0) >= metadata.get("generation", 0),
    )


def _pods(found: Found) -> tuple[Pod, ...]:
    serving = {
        endpoint["targetRef"]["name"]
        for each in found.endpoint_slices
        for endpoint in each.get("endpoints") or ()
        if (endpoint.get("conditions") or {}).get("ready") and "name" in (endpoint.get("targetRef") or {})
    }
    knows_serving = "endpointslices" not in found.unread
    pods = [_pod(each, serving if knows_serving else None) for each in found.pods]
    return tuple(sorted(pods, key=lambda pod: (pod.is_routable, pod.name)))


def _pod(pod: Object, serving: set[str] | None) -> Pod:
    metadata, status = pod["metadata"], pod.get("status") or {}
    ended: list[Object] = [
        terminated
        for each in status.get("containerStatuses") or ()
        for state in (each.get("state") or {}, each.get("lastState") or {})
        if (terminated := state.get("terminated"))
    ]
    last = max(ended, key=lambda each: str(each.get("finishedAt")), default={})
    state = _state(pod, serving)
    return Pod(
        name=metadata["name"],
        state=state,
        is_routable=state == "routable",
        node=(pod.get("spec") or {}).get("nodeName", ""),
        restarts=sum(each.get("restartCount", 0) for each in status.get("containerStatuses") or ()),
        last_end=f"{last.get('reason', 'ended')} ({last.get('exitCode')})" if last else "",
        last_end_seconds=unix_seconds(last.get("finishedAt")),
    )


def _state(pod: Object, serving: set[str] | None) -> str:
    status = pod.get("status") or {}
    conditions = {each["type"]: each["status"] for each in status.get("conditions") or ()}
    if "deletionTimestamp" in pod["metadata"]:
        return "ending"
    if status.get("phase") in {"Failed", "Succeeded"}:
        return str(status["phase"]).lower()
    if conditions.get("Ready") == "True":
        is_served = serving is None or pod["metadata"]["name"] in serving
        return "routable" if is_served else "ready, not in the Service"
    if conditions.get("PodScheduled") == "False":
        return "no node"
    waiting = [
        reason
        for each in status.get("containerStatuses") or ()
        if (reason := ((each.get("state") or {}).get("waiting") or {}).get("reason"))
    ]
    return f"not ready: {waiting[0]}" if waiting else "not ready"


def _objectives(spec: Object, tuning: Object) -> tuple[Objective, ...]:
    seen: dict[str, Object] = {each["name"]: each for each in tuning.get("objectives") or ()}
    return tuple(
        Objective(
            name=each["name"],
            threshold=each.get("threshold", ""),
            percentile=each.get("percentile"),
            verdict=(of := seen.get(each["name"], {})).get("verdict", ""),
            bad_share=of.get("badShare", ""),
            samples=of.get("samples", 0),
        )
        for each in (spec.get("slo") or {}).get("objectives") or ()
    )


def _estimated(tuning: Object) -> tuple[str, str, str]:
    said: Object = tuning.get("estimated") or {}
    return said.get("sustainableRate", ""), said.get("sustainableRateAtStart", ""), said.get("saturation", "")


def _limits(tuning: Object) -> tuple[Limit, ...]:
    wanted: Object = tuning.get("wanted") or {}
    in_force: Object = tuning.get("inForce") or {}
    start: Object = tuning.get("start") or {}
    return tuple(
        Limit(name, wanted.get(name), in_force.get(name), start.get(name))
        for name in NAMES.values()
        if name in wanted or name in in_force or name in start
    )


def _lease_end(found: Found) -> float | None:
    """By the checkpoint, or else by what the pods are told."""
    if found.checkpoint is not None:
        return wanted_by(found.checkpoint).expires_seconds
    return max(_told_ends(found.pods), default=None)


def _told_ends(pods: Iterable[Object]) -> Iterable[float]:
    for pod in pods:
        try:
            file = parse((pod["metadata"].get("annotations") or {}).get(ANNOTATION, ""))
        except ValueError:
            continue
        if file.limits and file.expires < float("inf"):
            yield file.expires


def _changes(tuning: Object, since_seconds: float) -> tuple[Change, ...]:
    return tuple(
        Change(
            at_seconds=at,
            policy=each.get("policy", ""),
            cause=each.get("cause", ""),
            moves=_moves(each.get("before") or {}, each.get("after") or {}),
            is_applied=bool(each.get("applied")),
            effect=each.get("effect", ""),
        )
        for each in tuning.get("decisions") or ()
        if (at := unix_seconds(each.get("time"))) is not None and at >= since_seconds
    )


def _moves(before: Object, after: Object) -> tuple[str, ...]:
    return tuple(
        f"{name} {before.get(name, 'start')} -> {after.get(name, 'start')}"
        for name in NAMES.values()
        if before.get(name) != after.get(name)
    )


def unix_seconds(text: str | None) -> float | None:
    """Return the moment that the API writes so; None for what is none."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
