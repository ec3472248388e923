"""The table of what the operator may ask, and the rules that are generated from it."""

import pytest
import yaml

from setpoint.kube.permissions import LEASE_NAME, PERMISSIONS, Scope, allows, rules_template, rules_yaml
from tests.chart import helm


def test_the_charts_rules_are_those_of_the_table() -> None:
    assert (helm.CHART / "templates/_rules.tpl").read_text() == rules_template()


def test_no_permission_is_a_wildcard_or_touches_secrets_or_raises_rights() -> None:
    for permission in PERMISSIONS:
        resource = permission.resource
        words = {
            resource.group,
            resource.plural,
            permission.subresource,
            *permission.verbs,
            *permission.names,
        }
        assert not any("*" in word for word in words)
        assert resource.plural != "secrets"
        assert resource.group != "rbac.authorization.k8s.io"
        assert not words & {"bind", "escalate", "impersonate", "deletecollection"}


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (("list", "setpoint.dev", "inferenceservices"), True),
        (("patch", "setpoint.dev", "inferenceservices", "status"), True),
        (("patch", "setpoint.dev", "inferenceservices"), False),
        (("patch", "setpoint.dev", "tuningcheckpoints"), True),
        (("update", "setpoint.dev", "tuningcheckpoints"), False),
        (("patch", "apps", "deployments"), True),
        (("patch", "", "deployments"), False),
        (("delete", "apps", "deployments"), False),
        (("delete", "apps", "controllerrevisions"), True),
        (("get", "", "pods", "log"), False),
        (("get", "", "secrets"), False),
    ],
)
def test_a_request_is_allowed_only_as_listed(request_: tuple[str, ...], expected: bool) -> None:
    assert allows(*request_) is expected


def test_only_the_operators_own_lease_may_be_read_and_updated() -> None:
    assert allows("update", "coordination.k8s.io", "leases", name=LEASE_NAME)
    assert not allows("update", "coordination.k8s.io", "leases", name="kube-scheduler")
    assert not allows("list", "coordination.k8s.io", "leases")


def test_every_permission_becomes_one_rule() -> None:
    rules = [rule for scope in Scope for rule in yaml.safe_load(rules_yaml(scope))]
    assert sorted(map(str, rules)) == sorted(
        str(
            {"apiGroups": [permission.resource.group], "resources": [permission.rbac_resource]}
            | ({"resourceNames": list(permission.names)} if permission.names else {})
            | {"verbs": list(permission.verbs)}
        )
        for permission in PERMISSIONS
    )
