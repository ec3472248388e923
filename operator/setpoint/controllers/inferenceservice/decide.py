"""What is to be done about one InferenceService: a pure function of the snapshot and the administrator's
settings.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from setpoint.api.inferenceservice import GROUP, KIND, VERSION, InferenceService
from setpoint.api.reasons import Reason
from setpoint.controllers.inferenceservice.observe import CHILDREN, Snapshot
from setpoint.controllers.inferenceservice.rollout import measure
from setpoint.faults import Fault
from setpoint.kube.objects import Object
from setpoint.kube.resources import CONTROLLER_REVISIONS, Resource
from setpoint.orchestrations import deployment
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
class Plan:
    """The end that is wanted. With faults there is nothing to do: what serves goes on serving."""

    faults: tuple[Fault, ...] = ()
    service: InferenceService | None = None
    applies: tuple[Apply, ...] = ()
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
    inputs_hash = deployment.template_inputs_hash(service)
    revision = snapshot.live(CONTROLLER_REVISIONS, deployment.revision_name(service, inputs_hash))
    manifests = deployment.children(
        service,
        owner={
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": KIND,
            "name": snapshot.key[1],
            "uid": snapshot.uid,
        },
        # The template that was rendered for this spec is used as it stands, although this version of the
        # operator might render another one: so an upgrade of the operator restarts no engine.
        template=deployment.stored_template(revision)
        if revision
        else deployment.pod_template(service, settings),
        revision=inputs_hash,
    )
    applies = [_apply(snapshot, manifest) for manifest in manifests]
    return Plan(
        service=service,
        applies=tuple(applies),
        deletes=tuple(_outlived_revisions(snapshot, applies, service)),
    )


def _faults(error: ValidationError) -> Iterator[Fault]:
    for details in error.errors():
        yield Fault(".".join(map(str, details["loc"])), "...", details["msg"], Reason.INVALID_SPEC)


def _apply(snapshot: Snapshot, manifest: Object) -> Apply:
    resource = _RESOURCE_OF_KIND[manifest["kind"]]
    return Apply(resource, manifest, snapshot.live(resource, manifest["metadata"]["name"]))


def _outlived_revisions(
    snapshot: Snapshot, applies: Sequence[Apply], service: InferenceService
) -> Iterator[Delete]:
    """The templates of former specs, once nothing runs them any more."""
    if not measure(snapshot, wanted=service.spec.replicas).complete:
        return
    kept = {step.manifest["metadata"]["name"] for step in applies if step.resource is CONTROLLER_REVISIONS}
    for revision in snapshot.owned(CONTROLLER_REVISIONS):
        if revision["metadata"]["name"] not in kept:
            yield Delete(CONTROLLER_REVISIONS, revision["metadata"]["name"], revision["metadata"]["uid"])
