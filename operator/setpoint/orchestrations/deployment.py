"""A service on a Deployment: its pod template, and the objects around it."""

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from setpoint import node_paths
from setpoint.api.inferenceservice import InferenceService
from setpoint.api.model_uri import NodePathModel, VolumeClaimModel, parse_model_uri
from setpoint.api.reasons import Reason
from setpoint.api.scalars import duration_seconds
from setpoint.engines import engine_of, vllm_plugin
from setpoint.engines.container import HOME, LIMITS_PATH, MODEL_PATH
from setpoint.faults import Fault
from setpoint.orchestrations import live_channel, live_limits, template_check, template_merge, template_policy
from setpoint.orchestrations.hugepages import mount
from setpoint.orchestrations.template_shape import FIELD
from setpoint.orchestrations.templates import render
from setpoint.settings import Settings

SERVICE_LABEL = "setpoint.dev/inferenceservice"
"""Label of every child: the name of the InferenceService that it belongs to."""
MANAGED_BY = "setpoint"
REVISION_ANNOTATION = "setpoint.dev/revision"
"""Annotation of every pod: the revision of the pod template that it was made from."""

_STARTUP_PERIOD_SECONDS = 5
_PRE_STOP_SECONDS = 10
_GRACE_MARGIN_SECONDS = 10
"""What an engine may take to end once its requests are done."""
_ROLLOUT_MARGIN_SECONDS = 900
"""What pulling an image of 10 GB and waiting for a node may take beside loading the model."""
_HASH_LENGTH = 10


def faults(service: InferenceService, settings: Settings) -> list[Fault]:
    """Return everything that keeps the service from being carried out as written; nothing when it can be."""
    found = engine_of(service).faults(service)
    source = parse_model_uri(service.spec.model.uri)
    if isinstance(source, NodePathModel) and not node_paths.is_allowed(
        source.path, settings.allowed_node_paths
    ):
        remedy = node_paths.remedy(settings.allowed_node_paths)
        found.append(Fault("spec.model.uri", service.spec.model.uri, remedy, Reason.NODE_PATH_NOT_ALLOWED))
    checked = template_check.check(service.spec.template)
    sound = _with_template(service, checked.sound)
    found += live_channel.faults(sound)
    if service.spec.template:
        found += checked.faults
        merged = pod_template(sound, settings)
        if not any(place.startswith(f"{FIELD}.spec.volumes") for place in checked.aside):
            found += template_check.mounts_of_no_volume(merged)
        refused = template_policy.faults(
            merged,
            labels=_known_by(service),
            service_account=service.metadata.name,
            # The model's own folder has its own fault, told of the field that names it.
            allowed_node_paths=[*settings.allowed_node_paths, *_model_node_path(service)],
        )
        # What is at fault where something was set aside only follows from that.
        found += [fault for fault in refused if not checked.lacks(fault.field)]
    return found


def pod_template(service: InferenceService, settings: Settings) -> dict[str, Any]:
    """Return the pod template of a service without faults: ours, with `spec.template` merged over it."""
    spec = service.spec
    source = parse_model_uri(spec.model.uri)
    takes_plugin = live_channel.takes_plugin(service)
    ours: dict[str, Any] = render(
        "inferenceservice/pod-template.yaml.j2",
        name=service.metadata.name,
        labels=labels(service),
        engine=engine_of(service).container(service, settings, takes_plugin=takes_plugin),
        gpus=str(spec.parallelism.tensor),
        hugepages=[mount(pages) for pages in spec.placement.hugepages],
        image_pull_secrets=settings.image_pull_secrets,
        limits_path=LIMITS_PATH,
        limits_name=live_limits.config_map_name(service.metadata.name),
        limits_key=live_limits.KEY,
        limits_field=f"metadata.annotations['{live_limits.ANNOTATION}']",
        plugin_path=vllm_plugin.FOLDER,
        plugin_name=live_channel.plugin_name(service) if takes_plugin else "",
        plugin_items=[
            {"key": vllm_plugin.config_map_key(path), "path": path} for path in vllm_plugin.files()
        ],
        home_path=HOME,
        model_path=MODEL_PATH,
        claim=source.claim if isinstance(source, VolumeClaimModel) else "",
        model_sub_path=source.path if isinstance(source, VolumeClaimModel) else "",
        node_path=node_paths.normalize(source.path) if isinstance(source, NodePathModel) else "",
        startup_period_seconds=_STARTUP_PERIOD_SECONDS,
        startup_failures=math.ceil(duration_seconds(spec.engine.startup_timeout) / _STARTUP_PERIOD_SECONDS),
        pre_stop_seconds=_PRE_STOP_SECONDS,
        termination_grace_seconds=(
            _PRE_STOP_SECONDS + math.ceil(duration_seconds(spec.engine.drain_timeout)) + _GRACE_MARGIN_SECONDS
        ),
    )
    merged = template_merge.merge(_with_containers_of(spec.template, ours), spec.template)
    return live_channel.with_plugin(merged) if takes_plugin else merged


def template_inputs_hash(service: InferenceService) -> str:
    """Return a hash of the fields that the pod template depends on.

    It must be the same for the same object under every version of the operator and every setting, else an
    upgrade restarts every engine: so a field that is added to the API later has no part in it while it is
    absent, null or empty, and one whose default is anything else must be left out here while it has that
    default.
    """
    inputs = service.spec.model_dump(
        mode="json",
        by_alias=True,
        exclude_none=True,
        exclude={"replicas", "orchestration", "slo", "tuning", "template"},
    )
    parts = {"name": service.metadata.name, "spec": _without_empty(inputs), "template": service.spec.template}
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def children(
    service: InferenceService,
    *,
    owner: Mapping[str, str],
    template: Mapping[str, Any],
    revision: str,
    limits: str,
) -> list[dict[str, Any]]:
    """Return the objects of a service, whole, in the order in which they are to be created.

    `owner` has the apiVersion, kind, name and uid of the InferenceService; `template` is the pod template,
    rendered or stored; `revision` is the one that it was rendered for; `limits` is the limits file's text.
    The plugin of a stored template is not among them where it is of another version of the operator.
    """
    spec = service.spec
    common = {"selector": selector(service), "template": _with_revision(template, revision)}
    startup_seconds = math.ceil(duration_seconds(spec.engine.startup_timeout))

    def child(manifest: str, name: str, **values: Any) -> dict[str, Any]:
        metadata = {
            "name": name,
            "namespace": service.metadata.namespace,
            "labels": labels(service),
            "ownerReferences": [{**owner, "controller": True, "blockOwnerDeletion": True}],
        }
        document: dict[str, Any] = render(
            f"inferenceservice/{manifest}.yaml.j2", metadata=metadata, **common, **values
        )
        return document

    name = service.metadata.name
    plugin = live_channel.plugin_name(service)
    files = {vllm_plugin.config_map_key(path): text for path, text in vllm_plugin.files().items()}
    return [
        *([child("plugin", plugin, files=files)] if live_channel.plugin_of(template) == plugin else []),
        child(
            "limits", live_limits.config_map_name(service.metadata.name), key=live_limits.KEY, limits=limits
        ),
        child("service-account", name),
        child("controller-revision", revision_name(service, revision)),
        child("service", name),
        child("pod-disruption-budget", name),
        child(
            "deployment",
            name,
            replicas=spec.replicas,
            progress_deadline_seconds=startup_seconds + _ROLLOUT_MARGIN_SECONDS,
        ),
    ]


def revision_of(service: InferenceService) -> str:
    """Return the revision of the pod template that the spec asks for: a short form of the inputs' hash."""
    return template_inputs_hash(service)[:_HASH_LENGTH]


def revision_name(service: InferenceService, revision: str) -> str:
    """Return the name of the ControllerRevision that stores the template rendered for a revision."""
    return f"{service.metadata.name}-{revision}"


def rendering(service: InferenceService, number: int) -> str:
    """Return the revision of the n-th rendering of the very spec, from 1.

    A template may have to be rendered anew while the spec stays; its pods can then be told from former ones.
    """
    first = revision_of(service)
    return first if number == 1 else f"{first}-{number}"


def latest_rendering(service: InferenceService, names: Iterable[str]) -> int:
    """Return the number of the spec's last rendering among the named ControllerRevisions; 0 for none."""
    first = re.escape(revision_name(service, revision_of(service)))
    found = [match for name in names if (match := re.fullmatch(rf"{first}(?:-([1-9][0-9]{{0,8}}))?", name))]
    return max((int(match[1] or 1) for match in found), default=0)


def stored_template(controller_revision: Mapping[str, Any]) -> dict[str, Any]:
    """Return the pod template that a ControllerRevision of `children` stores."""
    template: dict[str, Any] = controller_revision["data"]["template"]
    return template


def is_stored(template: Mapping[str, Any], revision: str, controller_revision: Mapping[str, Any]) -> bool:
    """Return whether a ControllerRevision stores this very template."""
    return _with_revision(template, revision) == stored_template(controller_revision)


def _with_revision(template: Mapping[str, Any], revision: str) -> dict[str, Any]:
    metadata = template.get("metadata", {})
    annotations = {**metadata.get("annotations", {}), REVISION_ANNOTATION: revision}
    return {**template, "metadata": {**metadata, "annotations": annotations}}


def service_url(service: InferenceService) -> str:
    """Return the base URL of the OpenAI-compatible API inside the cluster."""
    return f"http://{service.metadata.name}.{service.metadata.namespace}.svc/v1"


def selector(service: InferenceService) -> dict[str, str]:
    """Return the labels that pick the engine's pods; they never change, as a selector is immutable."""
    return {SERVICE_LABEL: service.metadata.name, "app.kubernetes.io/component": "engine"}


def labels(service: InferenceService) -> dict[str, str]:
    """Return the labels of the pods and of every child."""
    return {
        "app.kubernetes.io/name": service.spec.engine.type.value.lower(),
        "app.kubernetes.io/instance": service.metadata.name,
        **_known_by(service),
    }


def _known_by(service: InferenceService) -> dict[str, str]:
    return {"app.kubernetes.io/managed-by": MANAGED_BY, **selector(service)}


def _with_containers_of(fragment: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    """Return our pod template with the fragment's own containers in it, as the security floor leaves them."""
    spec = dict(ours["spec"])
    for kind in ("containers", "initContainers"):
        present = spec.get(kind, [])
        names = {container["name"] for container in present}
        added = [
            item["name"] for item in (fragment.get("spec") or {}).get(kind) or [] if item["name"] not in names
        ]
        if added:
            floor = template_policy.SECURITY_FLOOR
            spec[kind] = [
                *present,
                *({"name": name, "securityContext": floor} for name in dict.fromkeys(added)),
            ]
    return {**ours, "spec": spec}


def _with_template(service: InferenceService, template: dict[str, Any]) -> InferenceService:
    return service.model_copy(update={"spec": service.spec.model_copy(update={"template": template})})


def _model_node_path(service: InferenceService) -> list[str]:
    source = parse_model_uri(service.spec.model.uri)
    return [source.path] if isinstance(source, NodePathModel) else []


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: _without_empty(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in ({}, [])}
    return value
