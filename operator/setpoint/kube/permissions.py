"""What the operator may ask of the API server: one table, from which the chart's RBAC rules are generated.

A request that the table does not list is refused by the API server, so a new kind or verb in the code starts
here. Three things are left out on purpose: Secrets (the kubelet reads those that an engine needs; the
operator learns of a missing one from the pod's status), `bind` and `escalate`, and wildcards.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from setpoint.kube.resources import (
    CONFIG_MAPS,
    CONTROLLER_REVISIONS,
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    INFERENCE_SERVICES,
    LEASES,
    POD_DISRUPTION_BUDGETS,
    PODS,
    SERVICE_ACCOUNTS,
    SERVICES,
    TUNING_CHECKPOINTS,
    Resource,
)

LEASE_NAME = "setpoint"
"""Name of the Lease that the replicas elect their leader by, in the operator's own namespace."""

_READ = ("get", "list", "watch")
_READ_AND_APPLY = (*_READ, "create", "patch")


class Scope(Enum):
    """Where a permission holds."""

    CLUSTER = "setpoint.clusterRules"
    """In every namespace; the value is the name of the chart's template with these rules."""
    OWN_NAMESPACE = "setpoint.namespaceRules"
    """In the namespace that the operator runs in."""


@dataclass(frozen=True, slots=True)
class Permission:
    """Verbs on a kind or on one of its subresources, and why the operator needs them."""

    resource: Resource
    verbs: tuple[str, ...]
    why: str
    subresource: str = ""
    names: tuple[str, ...] = ()
    """The only objects that it holds for; all when empty."""
    scope: Scope = Scope.CLUSTER

    @property
    def rbac_resource(self) -> str:
        """The kind as RBAC spells it, `deployments` or `deployments/status`."""
        return f"{self.resource.plural}/{self.subresource}" if self.subresource else self.resource.plural


PERMISSIONS = (
    Permission(INFERENCE_SERVICES, _READ, "What users ask for."),
    Permission(INFERENCE_SERVICES, ("patch",), "Conditions, replicas and address.", subresource="status"),
    Permission(
        INFERENCE_SERVICES,
        ("update",),
        "Children block their owner's deletion; OwnerReferencesPermissionEnforcement asks this right for it.",
        subresource="finalizers",
    ),
    Permission(
        TUNING_CHECKPOINTS,
        (*_READ_AND_APPLY, "delete"),
        "What the tuner wants of a service's engines, and what it has to know again after a restart.",
    ),
    Permission(SERVICE_ACCOUNTS, _READ_AND_APPLY, "The identity of a service's pods, without any right."),
    Permission(SERVICES, _READ_AND_APPLY, "The address of a service."),
    Permission(DEPLOYMENTS, _READ_AND_APPLY, "The engine's pods."),
    Permission(POD_DISRUPTION_BUDGETS, _READ_AND_APPLY, "Drains take one pod of a service at a time."),
    Permission(
        CONTROLLER_REVISIONS,
        (*_READ_AND_APPLY, "delete"),
        "The pod template as first rendered, which an operator upgrade keeps; old ones are deleted.",
    ),
    Permission(
        CONFIG_MAPS,
        (*_READ_AND_APPLY, "delete"),
        "The files of the plugin and its limits; the plugin of a former rollout is deleted.",
    ),
    Permission(PODS, _READ, "Why a rollout does not come on."),
    Permission(
        PODS,
        ("patch",),
        "The annotation that carries the limits; a ValidatingAdmissionPolicy allows no other change.",
    ),
    Permission(ENDPOINT_SLICES, _READ, "Whether a ready pod can be reached through the Service."),
    Permission(
        LEASES,
        ("get", "update"),
        "Which replica leads.",
        names=(LEASE_NAME,),
        scope=Scope.OWN_NAMESPACE,
    ),
    Permission(
        LEASES,
        ("create",),
        "The Lease of the first election; RBAC cannot tie a creation to a name.",
        scope=Scope.OWN_NAMESPACE,
    ),
)


def allows(verb: str, group: str, plural: str, subresource: str = "", *, name: str = "") -> bool:
    """Whether the table lists the request, in at least one namespace. `name` is empty for a collection."""
    return any(
        verb in permission.verbs
        and (group, plural, subresource)
        == (permission.resource.group, permission.resource.plural, permission.subresource)
        and (not permission.names or name in permission.names)
        for permission in PERMISSIONS
    )


def rules_yaml(scope: Scope) -> str:
    """The rules of an RBAC Role or ClusterRole, as a YAML list with a comment on each."""
    return "".join(
        f"{line}\n" for permission in PERMISSIONS if permission.scope is scope for line in _rule(permission)
    )


def rules_template() -> str:
    """The chart's file templates/_rules.tpl: the rules of every scope as named Helm templates."""
    head = "{{- /* Generated from operator/setpoint/kube/permissions.py: change it there. */ -}}\n"
    return head + "".join(
        f'{{{{- define "{scope.value}" -}}}}\n{rules_yaml(scope)}{{{{- end -}}}}\n' for scope in Scope
    )


def _rule(permission: Permission) -> Iterator[str]:
    yield f"# {permission.why}"
    yield f"- apiGroups: {json.dumps([permission.resource.group])}"
    yield f"  resources: {json.dumps([permission.rbac_resource])}"
    if permission.names:
        yield f"  resourceNames: {json.dumps(permission.names)}"
    yield f"  verbs: {json.dumps(permission.verbs)}"
