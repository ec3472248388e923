"""What a person can do about the state of a service: for each reason a command, or where to look. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from setpoint.api.reasons import Reason
from setpoint.api.status import ConditionStatus, ConditionType
from setpoint.cli.status_facts import Facts
from setpoint.engines.vllm import PORT
from setpoint.prom.pods import NAMESPACE_LABEL, POD_LABEL


@dataclass(frozen=True)
class Step:
    """One thing to do."""

    why: str
    """The reason that asks for it."""
    what: str
    command: str = ""
    """For a shell; empty where there is none."""


_EDIT = "kubectl edit infsvc NAME -n NAMESPACE"
_AUTO = """kubectl patch infsvc NAME -n NAMESPACE --type=merge -p '{"spec":{"tuning":{"mode":"Auto"}}}'"""
_MORE = "kubectl scale infsvc NAME -n NAMESPACE --replicas=MORE"
_LOGS = "kubectl logs POD -n NAMESPACE -c main"
_DESCRIBE = "kubectl describe pod POD -n NAMESPACE"
_PODS = "kubectl get pods -n NAMESPACE -l setpoint.dev/inferenceservice=NAME"
_OPERATOR = "kubectl get pods -n setpoint-system -l app.kubernetes.io/component=operator"
# Of both replicas, as either may lead; and all of it, of which --selector would give ten lines.
_OPERATOR_LOG = (
    "kubectl logs -l app.kubernetes.io/component=operator -n setpoint-system --tail=-1 | grep NAMESPACE/NAME"
)
_PLUGIN_LOG = f"{_LOGS} | grep vllm.setpoint"
"""The operator is where the README installs it."""
_WORD = re.compile(r"\b(NAMESPACE|NAME|POD|MORE)\b")
"""What is filled in."""

_STEPS: dict[Reason, tuple[str, str]] = {
    Reason.INVALID_SPEC: ("correct the field that Accepted names", _EDIT),
    Reason.INVALID_ARGUMENT: ("correct spec.engine.args", _EDIT),
    Reason.RESERVED_ARGUMENT: (
        "take the flag out of spec.engine.args, and set the field that it belongs to",
        _EDIT,
    ),
    Reason.INVALID_TEMPLATE: ("correct spec.template", _EDIT),
    Reason.FORBIDDEN_TEMPLATE: ("take out of spec.template what Accepted names", _EDIT),
    Reason.NODE_PATH_NOT_ALLOWED: (
        "have the folder allowed (allowedNodePaths in the chart), or name another",
        _EDIT,
    ),
    Reason.PLUGIN_UNREACHABLE: ("do as Accepted says, or take spec.slo out", _EDIT),
    Reason.NAME_TAKEN: ("delete the object that Accepted names, or give this service another name", ""),
    Reason.REJECTED: ("correct what the API server refuses: its words stand under Accepted", _EDIT),
    Reason.INTERNAL_ERROR: ("report what the operator logs, and the spec", _OPERATOR_LOG),
    Reason.NO_ROUTABLE_POD: ("see what the pods wait for", _PODS.replace("get", "describe")),
    Reason.SCALED_TO_ZERO: ("ask for a pod", "kubectl scale infsvc NAME -n NAMESPACE --replicas=1"),
    Reason.ROLLING_OUT: ("wait, and watch", f"{_PODS} --watch"),
    Reason.PAUSED: ("let the rollout go on", "kubectl rollout resume deployment NAME -n NAMESPACE"),
    Reason.POD_CREATION_FAILED: (
        "raise the quota, or do as the message says",
        "kubectl describe quota -n NAMESPACE",
    ),
    Reason.DEADLINE_EXCEEDED: (
        "see how far it comes; a slow start wants a longer spec.engine.startupTimeout",
        _LOGS,
    ),
    Reason.SECRET_NOT_FOUND: ("create the Secret, or name another", "kubectl get secrets -n NAMESPACE"),
    Reason.SECRET_KEY_NOT_FOUND: ("add the key, or name another", "kubectl describe secrets -n NAMESPACE"),
    Reason.CONFIG_MAP_NOT_FOUND: (
        "create the ConfigMap, or name another",
        "kubectl get configmaps -n NAMESPACE",
    ),
    Reason.CONFIG_MAP_KEY_NOT_FOUND: (
        "add the key, or name another",
        "kubectl get configmaps -n NAMESPACE -o yaml",
    ),
    Reason.VOLUME_CLAIM_NOT_FOUND: ("create the claim, or name another", "kubectl get pvc -n NAMESPACE"),
    Reason.WAITING_FOR_VOLUMES: ("its events say which volume it waits for", _DESCRIBE),
    Reason.INSUFFICIENT_ACCELERATORS: (
        "free accelerators, or add a node",
        "kubectl describe nodes | grep -A12 'Allocated resources'",
    ),
    Reason.INSUFFICIENT_HUGE_PAGES: (
        "free huge pages, or ask for fewer in spec.placement",
        "kubectl describe nodes | grep hugepages",
    ),
    Reason.UNSCHEDULABLE: ("the scheduler's words say what no node has", _DESCRIBE),
    Reason.IMAGE_PULL_FAILED: ("correct the image, or its pull secret", _DESCRIBE),
    Reason.CONTAINER_CONFIG_ERROR: ("its events say what cannot be made", _DESCRIBE),
    Reason.OUT_OF_MEMORY: ("raise its memory limit in spec.template, or use a larger node", _EDIT),
    Reason.CONTAINER_CRASHED: ("read its last words", f"{_LOGS} --previous"),
    Reason.NOT_JUDGED: ("why the plugin is not there stands in the engine's log", _PLUGIN_LOG),
    Reason.HISTOGRAM_TOO_COARSE: ("why the plugin is not there stands in the engine's log", _PLUGIN_LOG),
    Reason.NOT_ENOUGH_TRAFFIC: ("nothing; where requests should come, look at who sends them", ""),
    Reason.NO_PROMETHEUS: (
        "have prometheus.url set, or prometheus.install, in the chart's values",
        "helm get values setpoint -n setpoint-system --all | grep -A2 prometheus:",
    ),
    Reason.FROZEN: (
        "stop who else writes limits: setpoint tune, or a person; this is what the engine is told",
        "kubectl get pod POD -n NAMESPACE -o yaml | grep setpoint.dev/limits",
    ),
    Reason.UNSUPPORTED: ("why its limits do not move stands in the engine's log", _PLUGIN_LOG),
    Reason.KILL_SWITCH: (
        "when it is time, have the administrator put the switch back",
        "helm upgrade setpoint charts/setpoint -n setpoint-system --reuse-values"
        " --set tuning.killSwitch=false",
    ),
}
"""Of the reasons about which the same can be done whatever else is the case."""

_REASONS = {each.value: each for each in Reason}


def next_steps(facts: Facts) -> tuple[Step, ...]:
    """Return what to do, each thing once, in the order of the page; nothing where nothing has to be done."""
    return tuple(dict.fromkeys((*_about_the_operator(facts), *_about_the_conditions(facts))))


def _about_the_operator(facts: Facts) -> Iterator[Step]:
    """What shows that it is gone or blind: nobody would say so in the status."""
    if not facts.is_observed:
        yield Step("NotSeen", "the operator has not seen the newest spec: does it run?", _OPERATOR)
    ends = facts.lease_ends_seconds
    if ends is not None and ends < facts.now_seconds:
        yield Step(
            "LeaseEnded", "nobody renews the limits: does the operator run, and see Prometheus?", _OPERATOR
        )


def _about_the_conditions(facts: Facts) -> Iterator[Step]:
    accepted = facts.conditions.get(ConditionType.ACCEPTED)
    is_refused = accepted is not None and accepted.status == ConditionStatus.FALSE
    for kind, condition in facts.conditions.items():
        if kind == ConditionType.PROGRESSING and is_refused:
            continue  # it says no more than that
        reason = _REASONS.get(condition.reason)
        if reason is not None:  # of a newer operator: its message, further up, has to do
            yield from _steps(reason, condition.message, facts)


def _steps(reason: Reason, message: str, facts: Facts) -> Iterator[Step]:
    if reason is Reason.SIGNAL_LOST:
        found = _about_a_lost_signal(message, facts)
    elif reason is Reason.MISSED:
        found = _about_a_broken_promise(facts)
    else:
        found = iter([_STEPS[reason]] if reason in _STEPS else [])
    first = facts.pods[0].name if facts.pods else "POD"
    filling = {
        "NAMESPACE": facts.namespace,
        "NAME": facts.name,
        "POD": first,
        "MORE": str(facts.replicas + 1),
    }
    for what, command in found:
        words = (filling.get(word, word) for word in _WORD.split(command))
        yield Step(reason.value, what, "".join(words))


def _about_a_lost_signal(message: str, facts: Facts) -> Iterator[tuple[str, str]]:
    """Which engine, and which query: whether it tells anything, and then whether Prometheus has it."""
    engine = next((pod.name for pod in facts.pods if pod.name in message), None)
    if engine is None:
        yield (
            f'ask Prometheus for up{{{NAMESPACE_LABEL}="{facts.namespace}"}}, and the operator',
            _OPERATOR_LOG,
        )
        return
    path = f"/api/v1/namespaces/{facts.namespace}/pods/{engine}:{PORT}/proxy/metrics"
    yield f"does {engine} tell anything?", f"kubectl get --raw {path} | grep setpoint_"
    labels = f'{{{NAMESPACE_LABEL}="{facts.namespace}",{POD_LABEL}="{engine}"}}'
    yield f"does Prometheus have it? Ask for up{labels}, then for setpoint_engine_limit{labels}", ""


def _about_a_broken_promise(facts: Facts) -> Iterator[tuple[str, str]]:
    tuning = facts.conditions.get(ConditionType.TUNING)
    if facts.mode == "Disabled":
        yield "no limit is moved, as spec.tuning.mode says; to have that done", _AUTO
    elif facts.mode == "Recommend" and facts.recommendation:
        yield facts.recommendation, _AUTO
    elif facts.mode == "Recommend":
        yield "Auto would move no limit now: have more engines, or a wider promise", _MORE
    elif facts.mode == "Auto" and tuning and tuning.status == ConditionStatus.TRUE:
        if "cannot be kept" in tuning.message:
            yield "no limit keeps this promise: have more engines, or a wider promise", _MORE
        else:
            yield "Auto is at it; where its last change has shown no effect, have more engines", _MORE
