"""A template is merged over ours as Kubernetes merges patches."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.orchestrations import deployment
from setpoint.orchestrations.template_merge import MERGE_KEYS, merge
from tests.builders import inference_service, settings
from tests.kubectl import kubectl

# No list that is merged item by item: what may stand in one is template_check's to hold.
KEYS = st.text(max_size=3).filter(lambda key: key not in MERGE_KEYS)
JSON = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=10,
)
MAPS = st.dictionaries(KEYS, JSON, max_size=4)


def main(**container: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "main", **container}]}}


def merged_container(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    (container,) = merge(main(**ours), main(**theirs))["spec"]["containers"]
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


ADDING: dict[str, Any] = {
    "metadata": {"labels": {"a": "b", "app.kubernetes.io/name": None}, "annotations": {"x": "y"}},
    "spec": {
        "containers": [
            {
                "name": "main",
                "args": ["a"],
                "env": [{"name": "USER", "value": "x"}, {"name": "NEW", "value": "y"}],
                "ports": [{"containerPort": 8000, "name": "web", "protocol": "TCP"}, {"containerPort": 9}],
                "volumeMounts": [
                    {"mountPath": "/home/engine", "name": "new"},
                    {"mountPath": "/x", "name": "new"},
                ],
                "readinessProbe": {"httpGet": {"path": "/x"}, "periodSeconds": 9},
                "livenessProbe": None,
                "resources": {"requests": {"cpu": None, "memory": "1Gi"}},
                "securityContext": {"capabilities": {"drop": ["KILL"]}},
            },
            {"name": "logs", "image": "a", "env": [{"name": "A", "value": "1"}]},
        ],
        "initContainers": [{"name": "fetch", "image": "b"}],
        "volumes": [
            {"name": "shared-memory", "emptyDir": {"sizeLimit": "1Gi"}},
            {"name": "new", "configMap": {"name": "x"}},
        ],
        "securityContext": {"seccompProfile": {"localhostProfile": "x"}, "runAsUser": 7},
        "tolerations": [{"key": "a", "operator": "Exists"}],
        "nodeSelector": {"a": "b"},
        "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["a"]}],
        "imagePullSecrets": [{"name": "a"}],
        "topologySpreadConstraints": [
            {"topologyKey": "zone", "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"}
        ],
    },
}
REPLACING: dict[str, Any] = {
    "spec": {
        "containers": [{"name": "main", "resources": None, "env": None, "volumeMounts": None}],
        "volumes": [{"name": "home", "persistentVolumeClaim": {"claimName": "c"}}],
        "securityContext": None,
        "terminationGracePeriodSeconds": 1,
    }
}


@pytest.mark.apiserver
@pytest.mark.usefixtures("api_server")
@pytest.mark.parametrize("patch", [ADDING, REPLACING])
def test_kubectl_merges_the_same(patch: dict[str, Any], tmp_path: Path) -> None:
    base = deployment.pod_template(inference_service(), settings())

    by_kubectl = _merged_by_kubectl(base, patch, tmp_path / "base.json")
    assert _in_any_order(merge(base, patch)) == _in_any_order(by_kubectl)


def _merged_by_kubectl(base: dict[str, Any], patch: dict[str, Any], file: Path) -> Any:
    """What kubectl makes of it, with the $retainKeys that `kubectl apply` would add for a volume of ours."""
    metadata = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}}
    file.write_text(json.dumps({**metadata, "spec": {"template": base}}))
    patch = json.loads(json.dumps(patch))
    ours = {volume["name"] for volume in base["spec"]["volumes"]}
    for volume in patch["spec"]["volumes"]:
        if volume["name"] in ours:
            volume["$retainKeys"] = list(volume)
    answer = kubectl(
        *("patch", "--local", f"--filename={file}", "--type=strategic", "--output=json"),
        f"--patch={json.dumps({'spec': {'template': patch}})}",
    )
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)["spec"]["template"]


def _in_any_order(value: Any) -> Any:
    """Leave out the order of lists, and the empty maps that kubectl's types add."""
    if isinstance(value, dict):
        return {key: _in_any_order(item) for key, item in value.items() if (key, item) != ("resources", {})}
    if isinstance(value, list):
        return sorted(map(_in_any_order, value), key=lambda item: json.dumps(item, sort_keys=True))
    return value
