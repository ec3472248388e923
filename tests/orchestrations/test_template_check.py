"""A malformed template is told by field, and never reaches the merge."""

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.faults import Fault
from setpoint.orchestrations.template_check import check


def faults(template: dict[str, Any]) -> tuple[Fault, ...]:
    return check(template).faults


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
        (
            {"spec": {"containers": [{"name": "main", "args": ["--port=1"]}]}},
            "spec.template.spec.containers[main].args",
            "use that",
        ),
        (
            {"spec": {"containers": [{"name": "main", "args": None}]}},
            "spec.template.spec.containers[main].args",
            "spec.engine.args",
        ),
        (
            {"spec": {"containers": [{"name": "main", "command": ["vllm"]}]}},
            "spec.template.spec.containers[main].command",
            "entry point",
        ),
        ({"spec": {"volumes": [{"name": "x", "$patch": "delete"}]}}, "spec.template.spec.volumes[0]", "null"),
        ({"metadata": {"labels": {"team": "a b"}}}, "spec.template.metadata.labels[team]", "63 letters"),
        ({"metadata": {"labels": {"-team": "a"}}}, "spec.template.metadata.labels[-team]", "valid key"),
        ({"metadata": {"annotations": {"a/b/c": "x"}}}, "spec.template.metadata.annotations[a/b/c]", "key"),
    ],
)
def test_a_malformed_template_is_told_by_field(template: dict[str, Any], field: str, message: str) -> None:
    (fault,) = faults(template)

    assert fault.field == field
    assert message in fault.message


def main(**fields: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "main", **fields}]}}


SECRETS = st.from_regex(r"hf_[a-z]{8}", fullmatch=True)


@given(
    SECRETS.flatmap(
        lambda secret: st.tuples(
            st.just(secret),
            st.sampled_from(
                [
                    main(env={"HF_TOKEN": secret}),
                    main(env=f"HF_TOKEN={secret}"),
                    main(env=[f"HF_TOKEN={secret}"]),
                    main(env=[{"name": [secret], "value": "x"}]),
                    main(env=[{"name": {"HF_TOKEN": secret}}]),
                    main(env=[{"name": "HF_TOKEN", "value": secret + "\ud800"}]),
                    main(env=[{"name": "HF_TOKEN", "value": secret.encode()}]),
                    main(args=[f"--api-key={secret}"]),
                    main(command=["vllm", secret]),
                    main(volumeMounts={"x": [secret]}),
                    {"spec": {"containers": {"main": {"env": [{"name": "HF_TOKEN", "value": secret}]}}}},
                    {"spec": [{"containers": [secret]}]},
                    {"spec": {"x": {secret}}},
                    {"env": [secret]},
                ]
            ),
        )
    )
)
def test_no_fault_shows_what_may_be_a_secret(case: tuple[str, dict[str, Any]]) -> None:
    secret, template = case

    found = faults(template)
    assert found
    assert all(secret not in text for fault in found for text in (str(fault), fault.value))


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ({"spec": {"hostPID": "yes"}}, "yes"),
        ({"spec": {"x": datetime.date(2020, 1, 1)}}, "2020-01-01"),
        ({"spec": {"x": "a\ud800"}}, "a\\ud800"),
        ({"spec": {"containers": {"main": {}}}}, "a map"),
        ({"spec": []}, "a list"),
        (main(env=[{"name": 5}]), "a number"),
        (main(env=[{"name": True}]), "true or false"),
        (main(env="A=b"), "text"),
    ],
)
def test_a_fault_shows_a_scalar_and_the_kind_of_anything_else(template: dict[str, Any], value: str) -> None:
    (fault,) = faults(template)

    assert fault.value == value


def test_a_template_that_is_too_deep_is_told_and_not_read_to_its_end() -> None:
    template: dict[str, Any] = {}
    for _ in range(100_000):
        template = {"spec": template}

    (fault,) = faults(template)
    assert "levels deep" in fault.message


def test_all_faults_are_told_at_once() -> None:
    assert len(faults({"spec": {"containers": [{}, {}], "volumes": "x"}})) == 3
    assert len(faults({"metadata": {"labels": {"a": "-"}}, "spec": {"$patch": 1, "volumes": "x"}})) == 3


def test_what_is_not_at_fault_is_left_to_be_looked_at() -> None:
    fetch = {"name": "fetch", "env": [{"name": "A"}]}
    template = {
        "metadata": {"labels": {"good": "yes", "bad": "-"}},
        "spec": {
            "hostPID": "yes",
            "containers": [
                {"image": "x"},
                {"name": "main", "args": ["--port=1"], "ports": [{"hostPort": 1}]},
            ],
            "initContainers": [fetch],
        },
    }

    assert check(template).sound == {
        "metadata": {"labels": {"good": "yes"}},
        "spec": {"containers": [{"name": "main", "ports": []}], "initContainers": [fetch]},
    }


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
        {
            "metadata": {
                "labels": {"a": "b", "c": None, "d.e/F_g": ""},
                "annotations": {"D.e/f": "any \n text"},
            }
        },
        {"spec": {"containers": [{"name": "logs", "command": ["tail"], "args": ["-f"]}]}},
        {"spec": {"initContainers": [{"name": "fetch", "command": ["fetch"], "args": ["x"]}]}},
    ],
)
def test_what_can_be_merged_passes(template: dict[str, Any]) -> None:
    assert faults(template) == ()
