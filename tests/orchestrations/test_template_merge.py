"""A template is merged over ours as Kubernetes merges patches."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.orchestrations.template_merge import merge

JSON = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)
MAPS = st.dictionaries(st.text(max_size=3), JSON, max_size=4)


def merged_container(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    base = {"spec": {"containers": [{"name": "main", **ours}]}}
    patch = {"spec": {"containers": [{"name": "main", **theirs}]}}
    (container,) = merge(base, patch)["spec"]["containers"]
    return {key: value for key, value in container.items() if key != "name"}


@pytest.mark.parametrize(
    ("ours", "theirs", "merged"),
    [
        pytest.param({"a": 1, "b": 2}, {"b": 3}, {"a": 1, "b": 3}, id="a scalar is replaced"),
        pytest.param({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}, id="maps are merged"),
        pytest.param({"a": 1, "b": {"c": 1}}, {"a": None, "b": {"c": None}}, {"b": {}}, id="null takes away"),
        pytest.param({}, {"a": {"b": None}}, {"a": {}}, id="null of nothing is nothing"),
        pytest.param({"a": {"b": 1}}, {"a": "x"}, {"a": "x"}, id="a map is replaced by what is none"),
        pytest.param({"a": "x"}, {"a": {"b": 1}}, {"a": {"b": 1}}, id="what is no map is replaced by one"),
        pytest.param({"args": ["a"]}, {"args": ["b"]}, {"args": ["b"]}, id="args are replaced"),
        pytest.param(
            {"tolerations": [{"key": "a"}]},
            {"tolerations": [{"key": "b", "value": None}]},
            {"tolerations": [{"key": "b"}]},
            id="tolerations are replaced, null in them is nothing",
        ),
        pytest.param(
            {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
            {"env": [{"name": "C", "value": "3"}, {"name": "A", "value": "4"}]},
            {"env": [{"name": "A", "value": "4"}, {"name": "B", "value": "2"}, {"name": "C", "value": "3"}]},
            id="env is merged by name, in place",
        ),
        pytest.param(
            {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]},
            {"env": [{"name": "A", "value": "1"}]},
            {"env": [{"name": "A", "value": "1"}]},
            id="a value replaces valueFrom",
        ),
        pytest.param(
            {"env": [{"name": "A", "value": "1"}]},
            {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}]},
            {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}]},
            id="valueFrom replaces a value",
        ),
        pytest.param(
            {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]},
            {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}]},
            {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}]},
            id="one source of a value replaces another",
        ),
        pytest.param(
            {"ports": [{"containerPort": 8000, "name": "http", "protocol": "TCP"}]},
            {"ports": [{"containerPort": 8000, "name": "web"}, {"containerPort": 8000, "protocol": "UDP"}]},
            {
                "ports": [
                    {"containerPort": 8000, "name": "web", "protocol": "TCP"},
                    {"containerPort": 8000, "protocol": "UDP"},
                ]
            },
            id="ports are merged by number and protocol, TCP by default",
        ),
        pytest.param(
            {"volumeMounts": [{"mountPath": "/scratch", "name": "tmp"}]},
            {"volumeMounts": [{"mountPath": "/scratch", "name": "own"}, {"mountPath": "/x", "name": "tmp"}]},
            {"volumeMounts": [{"mountPath": "/scratch", "name": "own"}, {"mountPath": "/x", "name": "tmp"}]},
            id="mounts are merged by path",
        ),
        pytest.param(
            {"livenessProbe": {"httpGet": {"path": "/"}, "periodSeconds": 5}},
            {"livenessProbe": {"exec": {"command": ["true"]}}},
            {"livenessProbe": {"exec": {"command": ["true"]}, "periodSeconds": 5}},
            id="another kind of probe replaces ours and keeps its timing",
        ),
        pytest.param(
            {"livenessProbe": {"httpGet": {"path": "/", "port": "http"}}},
            {"livenessProbe": {"httpGet": {"path": "/x"}, "exec": None}},
            {"livenessProbe": {"httpGet": {"path": "/x", "port": "http"}}},
            id="the same kind of probe is merged",
        ),
        pytest.param(
            {"lifecycle": {"preStop": {"sleep": {"seconds": 5}}}},
            {"lifecycle": {"preStop": {"exec": {"command": ["x"]}}}},
            {"lifecycle": {"preStop": {"exec": {"command": ["x"]}}}},
            id="another hook replaces ours",
        ),
    ],
)
def test_a_container_is_merged(ours: dict[str, Any], theirs: dict[str, Any], merged: dict[str, Any]) -> None:
    assert merged_container(ours, theirs) == merged


@pytest.mark.parametrize(
    ("theirs", "merged"),
    [
        ({"emptyDir": {"sizeLimit": "1Gi"}}, {"emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}),
        ({"persistentVolumeClaim": {"claimName": "c"}}, {"persistentVolumeClaim": {"claimName": "c"}}),
    ],
)
def test_a_volume_keeps_one_source(theirs: dict[str, Any], merged: dict[str, Any]) -> None:
    base = {"volumes": [{"name": "tmp", "emptyDir": {"medium": "Memory"}}, {"name": "b", "emptyDir": {}}]}

    volumes = merge(base, {"volumes": [{"name": "tmp", **theirs}]})["volumes"]
    assert volumes == [{"name": "tmp", **merged}, {"name": "b", "emptyDir": {}}]


def test_containers_are_merged_by_name() -> None:
    base = {"containers": [{"name": "main", "image": "a"}]}

    merged = merge(base, {"containers": [{"name": "logs", "image": "b"}, {"name": "main", "tty": True}]})
    assert merged["containers"] == [
        {"name": "main", "image": "a", "tty": True},
        {"name": "logs", "image": "b"},
    ]


@given(MAPS)
def test_an_empty_patch_changes_nothing(base: dict[str, Any]) -> None:
    assert merge(base, {}) == base


@given(MAPS, MAPS)
def test_every_scalar_of_the_patch_is_in_the_result(base: dict[str, Any], patch: dict[str, Any]) -> None:
    merged = merge(base, patch)

    assert {key: merged[key] for key, value in patch.items() if not isinstance(value, dict)} == {
        key: value for key, value in patch.items() if not isinstance(value, dict)
    }


@given(MAPS, MAPS)
def test_merging_again_changes_nothing(base: dict[str, Any], patch: dict[str, Any]) -> None:
    merged = merge(base, patch)

    assert merge(merged, patch) == merged


@given(MAPS, MAPS)
def test_neither_side_is_changed(base: dict[str, Any], patch: dict[str, Any]) -> None:
    before = repr((base, patch))

    merge(base, patch)
    assert repr((base, patch)) == before
