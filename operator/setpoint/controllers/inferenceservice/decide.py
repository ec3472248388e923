"""What is to be done about one InferenceService: a pure function of the snapshot and the administrator's
settings.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from setpoint.api.inferenceservice import InferenceService
from setpoint.api.reasons import Reason
from setpoint.controllers.inferenceservice.observe import CHILDREN, WATCHED, Snapshot
from setpoint.controllers.inferenceservice.rollout import measure, was_completed
from setpoint.faults import Fault
from setpoint.kube.objects import Object
from setpoint.kube.resources import CONFIG_MAPS, CONTROLLER_REVISIONS, SERVICES, Resource
from setpoint.orchestrations import deployment, live_channel, live_limits
from setpoint.settings import Settings

_RESOURCE_OF_KIND = {resource.kind: resource for resource in CHILDREN}


@dataclass(frozen=True, slots=True)
class Apply:
    """A child as it should be, beside the one that is there."""

    resource: Resource
    manifest: Object
    live: Object | None


@dataclass(frozen=True, slots=True)
class Delete:
    """A child that is no longer needed."""

    resource: Resource
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Tell:
    """A running pod that has not been told its limits."""

    name: str
    uid: str
    version: str
    """The resourceVersion that was looked at: what somebody has written since is looked at first."""
    limits: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The end that is wanted. With faults there is nothing to do: what serves goes on serving."""

    faults: tuple[Fault, ...] = ()
    service: InferenceService | None = None
    revision: str | None = None
    """The revision of the pod template that is wanted."""
    applies: tuple[Apply, ...] = ()
    tells: tuple[Tell, ...] = ()
    deletes: tuple[Delete, ...] = ()


def decide(snapshot: Snapshot, settings: Settings) -> Plan:
    """Return the children that should exist, and those that should not."""
    try:
        service = InferenceService.model_validate(snapshot.service)
    except ValidationError as error:
        # Admission lets none of this through, unless the CRD in the cluster is not this operator's.
        return Plan(tuple(_faults(error)))
    faults = deployment.faults(service, settings)
    if faults:
        return Plan(tuple(faults), service)
    revision, stored = _rendering(snapshot, service)
    rollout = measure(snapshot, wanted=service.spec.replicas, revision=revision)
    # Without the Service none can be seen to serve: its children are being made, or taken back.
    served = rollout.newest or was_completed(snapshot) or not snapshot.owned(SERVICES)
    if stored is not None and served:
        # Used as it stands, although this version of the operator, or the settings of today, might render
        # another one: so neither restarts an engine.
        template = deployment.stored_template(stored)
    else:
        template = deployment.pod_template(service, settings)
        if stored is not None and not deployment.is_stored(template, revision, stored):
            # What never served is worth no protection, and may be what is to be mended. What a
            # ControllerRevision stores cannot be changed: the next pass stores the new one.
            return Plan(service=service, revision=revision, deletes=(_delete(CONTROLLER_REVISIONS, stored),))
    limits = live_limits.limits_file(
        service,
        writer=snapshot.uid,
        seen=_told(snapshot, service),
        generation=snapshot.generation,
        tuned=live_limits.wanted_by(snapshot.checkpoint or {}),
    )
    manifests = deployment.children(
        service,
        owner=snapshot.owner,
        template=template,
        revision=revision,
        limits=limits,
    )
    applies = [_apply(snapshot, manifest) for manifest in manifests]
    if spoiled := [apply.live for apply in applies if apply.live and _is_spoiled(apply.manifest, apply.live)]:
        # No apply can mend them: they are made anew by the next pass.
        return Plan(
            service=service,
            revision=revision,
            tells=tuple(_tells(snapshot, limits)),
            deletes=tuple(_delete(CONFIG_MAPS, found) for found in spoiled),
        )
    return Plan(
        service=service,
        revision=revision,
        applies=tuple(applies),
        tells=tuple(_tells(snapshot, limits)),
        deletes=(
            (*_other_revisions(snapshot, service, revision), *_other_plugins(snapshot, service, template))
            if rollout.complete
            else ()
        ),
    )


def _faults(error: ValidationError) -> Iterator[Fault]:
    for details in error.errors():
        yield Fault(".".join(map(str, details["loc"])), "...", details["msg"], Reason.INVALID_SPEC)


def _apply(snapshot: Snapshot, manifest: Object) -> Apply:
    resource = _RESOURCE_OF_KIND[manifest["kind"]]
    return Apply(resource, manifest, snapshot.live(resource, manifest["metadata"]["name"]))


def _rendering(snapshot: Snapshot, service: InferenceService) -> tuple[str, Object | None]:
    """The revision of the pod template that is wanted, and the template where it is stored.

    The last rendering of the spec, as long as pods can start from it and what is promised is judged in them;
    else a further one, whose pods are not taken for the former ones.
    """
    stored = {found["metadata"]["name"]: found for found in snapshot.ours(CONTROLLER_REVISIONS)}
    number = deployment.latest_rendering(service, stored)
    if number:
        revision = deployment.rendering(service, number)
        last = stored[deployment.revision_name(service, revision)]
        if _has_plugin(snapshot, service, last):
            return revision, last
    return deployment.rendering(service, number + 1), None


def _is_spoiled(manifest: Object, live: Object) -> bool:
    """Whether somebody has changed a ConfigMap so that an apply is refused, or leaves what they wrote."""
    if manifest["kind"] != CONFIG_MAPS.kind:
        return False
    if manifest.get("immutable"):
        return bool(WATCHED[CONFIG_MAPS].transform(manifest)["data"] != live.get("data"))
    return bool(live.get("immutable") or live.get("binaryData"))


def _other_revisions(snapshot: Snapshot, service: InferenceService, revision: str) -> Iterator[Delete]:
    """The templates of former specs, which nothing runs any more once the rollout is complete."""
    kept = deployment.revision_name(service, revision)
    for stored in snapshot.ours(CONTROLLER_REVISIONS):
        if stored["metadata"]["name"] != kept:
            yield _delete(CONTROLLER_REVISIONS, stored)


def _other_plugins(
    snapshot: Snapshot, service: InferenceService, template: Mapping[str, Any]
) -> Iterator[Delete]:
    """The plugin of former templates, likewise."""
    kept = live_channel.plugin_of(template)
    for found in snapshot.ours(CONFIG_MAPS):
        name = found["metadata"]["name"]
        if live_channel.is_plugin(service.metadata.name, name) and name != kept:
            yield _delete(CONFIG_MAPS, found)


def _has_plugin(snapshot: Snapshot, service: InferenceService, stored: Object) -> bool:
    """Whether the plugin that a stored template mounts is there or can be made; where something is promised,
    it takes a template that mounts one.
    """
    plugin = live_channel.plugin_of(deployment.stored_template(stored))
    if plugin is None and service.spec.slo:
        return False
    there = {found["metadata"]["name"] for found in snapshot.owned(CONFIG_MAPS)}
    return plugin in there | {None, live_channel.plugin_name(service)}


def _told(snapshot: Snapshot, service: InferenceService) -> Iterator[str]:
    """The limits files that stand where engines may read them."""
    for found in snapshot.ours(CONFIG_MAPS):
        if found["metadata"]["name"] == live_limits.config_map_name(service.metadata.name):
            yield (found.get("data") or {}).get(live_limits.KEY, "")
    yield from filter(None, map(_limits_of, snapshot.pods))


def _tells(snapshot: Snapshot, limits: str) -> Iterator[Tell]:
    for pod in snapshot.pods:
        metadata, phase = pod["metadata"], pod["status"].get("phase")
        is_going = "deletionTimestamp" in metadata or phase in {"Succeeded", "Failed"}
        if not is_going and _limits_of(pod) != limits:
            yield Tell(metadata["name"], metadata["uid"], metadata["resourceVersion"], limits)


def _limits_of(pod: Object) -> str | None:
    text: str | None = pod["metadata"].get("annotations", {}).get(live_limits.ANNOTATION)
    return text


def _delete(resource: Resource, found: Object) -> Delete:
    return Delete(resource, found["metadata"]["name"], found["metadata"]["uid"])
