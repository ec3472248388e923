"""A malformed template is told by field, and never reaches the merge."""

import datetime
from typing import Any

import pytest

from setpoint.orchestrations.template_shape import faults


@pytest.mark.parametrize(
    ("template", "field", "message"),
    [
        ({"spec": []}, "spec.template.spec", "must be a map"),
        ({"metadata": "x"}, "spec.template.metadata", "must be a map"),
        ({"metadata": {"name": "x"}}, "spec.template.metadata.name", "no field of a template"),
        ({"replicas": 3}, "spec.template.replicas", "no field of a template"),
        ({"metadata": {"labels": {"a": 1}}}, "spec.template.metadata.labels.a", "must be text"),
        ({"spec": {"containers": {}}}, "spec.template.spec.containers", "must be a list"),
        ({"spec": {"containers": ["x"]}}, "spec.template.spec.containers[0]", "must be a map"),
        ({"spec": {"containers": [{"image": "x"}]}}, "spec.template.spec.containers[0].name", "is required"),
        (
            {"spec": {"initContainers": [{"name": None}]}},
            "spec.template.spec.initContainers[0].name",
            "must be text",
        ),
        (
            {"spec": {"containers": [{"name": "main", "env": [{"value": "x"}]}]}},
            "spec.template.spec.containers[0].env[0].name",
            "is required",
        ),
        (
            {"spec": {"containers": [{"name": "main", "ports": [{"containerPort": "80"}]}]}},
            "spec.template.spec.containers[0].ports[0].containerPort",
            "must be a whole number",
        ),
        (
            {"spec": {"containers": [{"name": "main", "volumeMounts": [{"name": "x"}]}]}},
            "spec.template.spec.containers[0].volumeMounts[0].mountPath",
            "is required",
        ),
        (
            {"spec": {"containers": [{"name": "main", "securityContext": {"privileged": "false"}}]}},
            "spec.template.spec.containers[0].securityContext.privileged",
            "must be true or false",
        ),
        ({"spec": {"hostPID": "yes"}}, "spec.template.spec.hostPID", "must be true or false"),
        (
            {"spec": {"volumes": [{"name": "x", "hostPath": "/x"}]}},
            "spec.template.spec.volumes[0].hostPath",
            "a map",
        ),
        ({"spec": {"x": {1: "a"}}}, "spec.template.spec.x", "must be text"),
        ({"spec": {"x": datetime.date(2020, 1, 1)}}, "spec.template.spec.x", "quote it"),
        ({"spec": {"x": [float("nan")]}}, "spec.template.spec.x[0]", "finite"),
        ({"spec": {"x": "\ud800"}}, "spec.template.spec.x", "Unicode"),
        ({"spec": {"volumes": [{"name": "x", "$patch": "delete"}]}}, "spec.template.spec.volumes[0]", "null"),
    ],
)
def test_a_malformed_template_is_told_by_field(template: dict[str, Any], field: str, message: str) -> None:
    (fault,) = faults(template)

    assert fault.field == field
    assert message in fault.message


def test_a_template_that_is_too_deep_is_told_and_not_read_to_its_end() -> None:
    template: dict[str, Any] = {}
    for _ in range(100_000):
        template = {"spec": template}

    (fault,) = faults(template)
    assert "levels deep" in fault.message


def test_all_faults_are_told_at_once() -> None:
    assert len(faults({"spec": {"containers": [{}, {}], "volumes": "x"}})) == 3


@pytest.mark.parametrize(
    "template",
    [
        {},
        {"metadata": None, "spec": None},
        {
            "spec": {
                "containers": [{"name": "main", "securityContext": None, "env": None}],
                "unknown": [1, {"a": 2}],
            }
        },
        {"metadata": {"labels": {"a": "b", "c": None}}},
    ],
)
def test_what_can_be_merged_passes(template: dict[str, Any]) -> None:
    assert faults(template) == []
