"""Why a pod does not serve, told from its status alone: the field of the InferenceService, the value, the
remedy.

Kubernetes says in a pod's status all that is asked here (a missing Secret, an image that cannot be pulled, a
node without room), so the operator needs no right to read Secrets.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from setpoint.api.inferenceservice import InferenceService
from setpoint.api.model_uri import VolumeClaimModel, parse_model_uri
from setpoint.api.reasons import Reason
from setpoint.engines.container import CONTAINER_NAME
from setpoint.kube.objects import Object
from setpoint.orchestrations.template_check import sound_parts
from setpoint.orchestrations.template_shape import PodSpec

MESSAGE_MAX_LENGTH = 512

_NOT_FOUND = re.compile(r'(?P<kind>secret|configmap) "(?P<name>[^"]+)" not found')
_KEY_NOT_FOUND = re.compile(
    r"couldn't find key (?P<key>\S+) in (?P<kind>Secret|ConfigMap) [^/]+/(?P<name>\S+)"
)
_REFERENCED = {
    "secret": ("Secret", Reason.SECRET_NOT_FOUND, Reason.SECRET_KEY_NOT_FOUND),
    "configmap": ("ConfigMap", Reason.CONFIG_MAP_NOT_FOUND, Reason.CONFIG_MAP_KEY_NOT_FOUND),
}
"""Kinds that a container refers to, each with the reason when one is missing and when a key in it is."""
_CLAIM_NOT_FOUND = re.compile(r'persistentvolumeclaim "(?P<name>[^"]+)" not found')
_IMAGE_REASONS = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
        "RegistryUnavailable",
    }
)
_KILLED = 128 + 9
_ENGINE_ERROR = re.compile(
    r"(?:^|\s)((?:Value error,|[A-Za-z.]*Error:|vllm: error:|vllm serve: error:) ?.{1,400})"
)


@dataclass(frozen=True, slots=True)
class Problem:
    """What keeps a pod from serving: a reason for programs, a message for people."""

    reason: Reason
    message: str


def diagnose(service: InferenceService, pods: tuple[Object, ...]) -> Problem | None:
    """Return the first problem of the pods that do not serve, in a stable order; None when there is none to
    see.
    """
    for pod in sorted(waited_for(pods), key=lambda pod: str(pod["metadata"]["name"])):
        problem = _scheduling_problem(service, pod) or _container_problem(service, pod)
        if problem is not None:
            return Problem(problem.reason, problem.message[:MESSAGE_MAX_LENGTH])
    return None


def waited_for(pods: Iterable[Object]) -> list[Object]:
    """Return the pods without those on their way out, and those that have ended (evicted, say)."""
    return [
        pod
        for pod in pods
        if "deletionTimestamp" not in pod["metadata"]
        and pod["status"].get("phase") not in ("Failed", "Succeeded")
    ]


def _scheduling_problem(service: InferenceService, pod: Object) -> Problem | None:
    condition = _condition(pod, "PodScheduled")
    if condition is None or condition["status"] != "False" or condition.get("reason") != "Unschedulable":
        return None
    text = condition.get("message", "")
    if claim := _CLAIM_NOT_FOUND.search(text):
        return Problem(
            Reason.VOLUME_CLAIM_NOT_FOUND,
            f"{_claim_field(service, claim['name'])} names claim {claim['name']!r}, absent from namespace"
            f" {service.metadata.namespace!r}: create it, or correct the name",
        )
    if "Insufficient nvidia.com/gpu" in text:
        tensor = service.spec.parallelism.tensor
        return Problem(
            Reason.INSUFFICIENT_ACCELERATORS,
            f"spec.parallelism.tensor: {tensor} asks for {tensor} nvidia.com/gpu in one pod, and no node has"
            f" so many free: add a GPU node, free GPUs, or lower it (scheduler: {text})",
        )
    if "Insufficient hugepages-" in text:
        return Problem(
            Reason.INSUFFICIENT_HUGE_PAGES,
            f"spec.placement.hugepages: no node has them free: reserve huge pages on a node, or ask for less"
            f" (scheduler: {text})",
        )
    return Problem(Reason.UNSCHEDULABLE, f"no node takes the pod (scheduler: {text})")


def _container_problem(service: InferenceService, pod: Object) -> Problem | None:
    statuses = [*pod["status"].get("initContainerStatuses", ()), *pod["status"].get("containerStatuses", ())]
    for status in statuses:
        problem = _waiting_problem(service, status) or _crash_problem(status)
        if problem is not None:
            return problem
    return None


def _waiting_problem(service: InferenceService, status: Object) -> Problem | None:
    waiting = status.get("state", {}).get("waiting", {})
    reason, text = waiting.get("reason", ""), waiting.get("message", "")
    if reason in _IMAGE_REASONS:
        where = _image_field(service, status["name"])
        return Problem(
            Reason.IMAGE_PULL_FAILED,
            f"{where}: image {status['image']!r} cannot be had: correct it, or give the namespace"
            f" {_pull_secrets(service)} (kubelet: {reason}: {_one_line(text)})",
        )
    if reason != "CreateContainerConfigError":
        return None
    if problem := _reference_problem(service, text):
        return problem
    return Problem(
        Reason.CONTAINER_CONFIG_ERROR, f"container {status['name']!r} cannot be made: {_one_line(text)}"
    )


def _reference_problem(service: InferenceService, text: str) -> Problem | None:
    found = _KEY_NOT_FOUND.search(text) or _NOT_FOUND.search(text)
    if found is None:
        return None
    kind, missing, key_missing = _REFERENCED[found["kind"].lower()]
    where = f"{_reference_field(service, kind, found['name'])}: {kind} {found['name']!r}"
    if key := found.groupdict().get("key"):
        return Problem(key_missing, f"{where} has no key {key!r}: add the key, or correct the reference")
    return Problem(
        missing,
        f"{where} does not exist in namespace {service.metadata.namespace!r}: create it, or correct the"
        " reference",
    )


def _crash_problem(status: Object) -> Problem | None:
    if status.get("ready"):
        return None
    terminated = status.get("state", {}).get("terminated") or status.get("lastState", {}).get("terminated")
    if not terminated:
        return None
    words = terminated.get("message", "")
    # Where the container never ran, the words are the runtime's and not a log's.
    never_ran = terminated.get("reason") in ("StartError", "ContainerCannotRun")
    cause = _one_line(words) if never_ran else _engine_error(words)
    told = f": {cause}" if cause else "; see kubectl logs --previous"
    reason, hint = Reason.CONTAINER_CRASHED, ""
    # A limit too small for the container to start at all is told by runc, in words.
    if terminated.get("reason") == "OOMKilled" or (never_ran and "OOM-killed" in words):
        reason, hint = (
            Reason.OUT_OF_MEMORY,
            " (raise its memory limit in spec.template, or use a larger node)",
        )
    elif terminated["exitCode"] == _KILLED:
        hint = " (killed, as when a probe fails or memory runs out)"
    return Problem(
        reason,
        f"container {status['name']!r} ended with exit code {terminated['exitCode']}{hint}"
        f" after {status.get('restartCount', 0)} restarts{told}",
    )


def _engine_error(log_tail: str) -> str:
    """The line of an engine's last words that names the cause: vLLM's is seldom the last one."""
    found = [match.group(1) for line in log_tail.splitlines() if (match := _ENGINE_ERROR.search(line))]
    return found[0] if found else ""


def _image_field(service: InferenceService, container: str) -> str:
    containers = (sound_parts(service.spec.template).spec or PodSpec()).containers or ()
    if container != CONTAINER_NAME or any(item.name == container and item.image for item in containers):
        return f"spec.template, container {container!r}"
    return "spec.engine.image" if service.spec.engine.image else "spec.engine.version"


def _pull_secrets(service: InferenceService) -> str:
    """The pull secrets that the template names: the kubelet passes over one that does not exist."""
    named = (sound_parts(service.spec.template).spec or PodSpec()).image_pull_secrets or ()
    return f"the pull secret {' and '.join(repr(each.name) for each in named)}" if named else "a pull secret"


def _claim_field(service: InferenceService, name: str) -> str:
    source = parse_model_uri(service.spec.model.uri)
    if isinstance(source, VolumeClaimModel) and source.claim == name:
        return f"spec.model.uri: {service.spec.model.uri!r}"
    return "spec.template"


def _reference_field(service: InferenceService, kind: str, name: str) -> str:
    for field, reference in (
        ("spec.engine.apiKeySecretRef", service.spec.engine.api_key_secret_ref),
        ("spec.model.tokenSecretRef", service.spec.model.token_secret_ref),
    ):
        if kind == "Secret" and reference and reference.name == name:
            return field
    return "spec.template"


def _condition(thing: Object, kind: str) -> Object | None:
    return next(
        (item for item in thing.get("status", {}).get("conditions", ()) if item["type"] == kind), None
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())
