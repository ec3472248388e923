"""What a pod may be waiting for while its volumes are not mounted.

The kubelet names a missing Secret or ConfigMap of a volume in an Event alone, and the operator has no right
to read Events or Secrets. A pod's status says only that the pod is not past this step:
PodReadyToStartContainers is False until its volumes and its network are there (KEP-3085). That is so of every
pod for a moment, so it is told as what is waited for and not as a failure, with all that the spec names and
that may be missing or cannot be mounted.
"""

from collections.abc import Iterator

from setpoint.api.inferenceservice import InferenceService
from setpoint.api.model_uri import HuggingFaceModel, parse_model_uri
from setpoint.api.reasons import Reason
from setpoint.controllers.inferenceservice.diagnose import Problem, waited_for
from setpoint.kube.objects import Object
from setpoint.orchestrations.template_check import sound_parts
from setpoint.orchestrations.template_shape import PodSpec, Volume

_TOLD_BY_KIND = frozenset({"csi", "ephemeral", "image", "persistentVolumeClaim"})
"""Sources of a volume that are told without a name: `kubectl describe pod` says more of them."""


def awaited_volumes(service: InferenceService, pods: tuple[Object, ...]) -> Problem | None:
    """Return what a pod that has a node may wait for; None when none waits, or the spec names no volume."""
    waiting = any(_is_unmounted(pod) for pod in waited_for(pods))
    if not waiting or not (named := list(_named(service))):
        return None
    return Problem(
        Reason.WAITING_FOR_VOLUMES,
        "the kubelet waits for a pod's volumes, or for its network; if that lasts, see that these are in"
        f" namespace {service.metadata.namespace!r} or on the node, and correct the spec if not:"
        f" {', '.join(named)} (kubectl describe pod says more)",
    )


def _is_unmounted(pod: Object) -> bool:
    return any(
        condition["type"] == "PodReadyToStartContainers" and condition["status"] == "False"
        for condition in pod["status"].get("conditions", ())
    )


def _named(service: InferenceService) -> Iterator[str]:
    uri = service.spec.model.uri
    if not isinstance(parse_model_uri(uri), HuggingFaceModel):
        yield f"spec.model.uri: {uri!r}"
    spec = sound_parts(service.spec.template).spec or PodSpec()
    mounted = _mounted(spec)
    for volume in spec.volumes or ():
        if volume.name in mounted:
            for source in _sources(volume):
                yield f"spec.template volume {volume.name!r}: {source}"


def _mounted(spec: PodSpec) -> set[str | None]:
    """The volumes that a container sees: the kubelet waits for no other."""
    containers = [*(spec.containers or ()), *(spec.init_containers or ())]
    uses = [use for each in containers for use in (*(each.volume_mounts or ()), *(each.volume_devices or ()))]
    return {use.name for use in uses}


def _sources(volume: Volume) -> Iterator[str]:
    if volume.host_path:
        yield f"folder {volume.host_path.path!r}"
    if volume.secret and not volume.secret.optional:
        yield f"Secret {volume.secret.secret_name!r}"
    if volume.config_map and not volume.config_map.optional:
        yield f"ConfigMap {volume.config_map.name!r}"
    for projected in (volume.projected and volume.projected.sources) or ():
        for kind, source in (
            ("Secret", projected.secret),
            ("ConfigMap", projected.config_map),
            ("ClusterTrustBundle", projected.cluster_trust_bundle),
        ):
            if source and not source.optional:
                yield f"{kind} {source.name!r}" if source.name else kind
    yield from sorted(_TOLD_BY_KIND & (volume.model_extra or {}).keys())
