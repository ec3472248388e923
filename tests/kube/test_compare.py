import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.kube.compare import differs, manifest_hash
from setpoint.kube.objects import Object

HASH = "example.dev/manifest-hash"


def deployment(*, cpu: str | int = "1", memory: str | int = "1Gi", **spec: object) -> Object:
    main = {
        "name": "main",
        "image": "engine:1",
        "args": ["--model", "m"],
        "env": [{"name": "HOME", "value": "/home"}, {"name": "EMPTY", "value": ""}],
        "ports": [{"name": "http", "containerPort": 8000}],
        "resources": {"limits": {"cpu": cpu, "memory": memory}},
    }
    pod = {
        "containers": [main],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}}],
        "hostNetwork": False,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "chat", "namespace": "team-a", "labels": {"app": "chat"}},
        "spec": {"replicas": 2, "template": {"spec": pod}} | spec,
    }


def as_stored(desired: Object) -> Object:
    """What the API server makes of it: defaults, an own status, zero values dropped, a webhook's sidecar
    first.
    """
    live = copy.deepcopy(desired)
    live["metadata"] |= {
        "uid": "u",
        "resourceVersion": "5",
        "annotations": {HASH: manifest_hash(desired), "other": "x"},
    }
    live["metadata"]["labels"]["added"] = "by somebody"
    live["spec"]["revisionHistoryLimit"] = 10
    live["status"] = {"replicas": 2}
    pod = live["spec"]["template"]["spec"]
    del pod["hostNetwork"]
    pod["dnsPolicy"] = "ClusterFirst"
    main = pod["containers"][0]
    main["env"] = [{"name": "INJECTED", "value": "1"}, {"name": "EMPTY"}, {"name": "HOME", "value": "/home"}]
    main["ports"][0]["protocol"] = "TCP"
    pod["containers"].insert(0, {"name": "sidecar", "image": "mesh:1"})
    pod["volumes"].append({"name": "mesh", "emptyDir": {}})
    return live


def main_of(live: Object) -> Object:
    main: Object = live["spec"]["template"]["spec"]["containers"][1]
    return main


def test_what_the_api_server_and_others_add_is_no_difference() -> None:
    assert not differs(deployment(), as_stored(deployment()), HASH)


@pytest.mark.parametrize(
    ("ours", "stored"),
    [
        ({"cpu": "1000m"}, {"cpu": "1"}),
        ({"cpu": 1}, {"cpu": "1"}),
        ({"cpu": "0.5"}, {"cpu": "500m"}),
        ({"memory": "1Gi"}, {"memory": 1073741824}),
        ({"memory": "1024Mi"}, {"memory": "1Gi"}),
        ({"memory": "2e3"}, {"memory": "2k"}),
        ({"memory": "1E"}, {"memory": "1000P"}),
    ],
)
def test_quantities_are_compared_by_their_amount(ours: dict[str, str], stored: Any) -> None:
    live = as_stored(deployment(**ours))
    main_of(live)["resources"]["limits"] |= stored
    assert not differs(deployment(**ours), live, HASH)


@pytest.mark.parametrize("stored", ["2", "1Ki", "1k", "", "one", None])
def test_another_amount_is_a_difference(stored: Any) -> None:
    live = as_stored(deployment())
    main_of(live)["resources"]["limits"]["cpu"] = stored
    assert differs(deployment(), live, HASH)


def test_only_quantities_are_compared_by_amount() -> None:
    live = as_stored(deployment())
    live["metadata"]["labels"]["app"] = "1000m"
    desired = deployment()
    desired["metadata"]["labels"]["app"] = "1"
    live["metadata"]["annotations"][HASH] = manifest_hash(desired)
    assert differs(desired, live, HASH)


def drift(change: Callable[[Object], Any]) -> Object:
    live = as_stored(deployment())
    change(live)
    return live


@pytest.mark.parametrize(
    "change",
    [
        lambda live: live["spec"].update(replicas=3),
        lambda live: live["metadata"]["labels"].update(app="other"),
        lambda live: live["metadata"]["labels"].pop("app"),
        lambda live: main_of(live).update(image="engine:2"),
        lambda live: main_of(live).update(args=["m", "--model"]),
        lambda live: main_of(live).update(args=["--model", "m", "--more"]),
        lambda live: main_of(live)["env"].pop(2),
        lambda live: main_of(live)["env"][1].update(value="no longer empty"),
        lambda live: main_of(live)["ports"][0].update(containerPort=9000),
        lambda live: live["spec"]["template"]["spec"].update(hostNetwork=True),
        lambda live: live["spec"]["template"]["spec"]["volumes"][0]["emptyDir"].update(sizeLimit="2Gi"),
        lambda live: live["spec"]["template"]["spec"]["containers"].pop(1),
    ],
)
def test_a_change_by_somebody_else_to_a_field_of_ours_is_a_difference(
    change: Callable[[Object], Any],
) -> None:
    assert differs(deployment(), drift(change), HASH)


def test_a_field_that_is_not_rendered_any_more_is_a_difference() -> None:
    live = as_stored(deployment(minReadySeconds=5))
    assert differs(deployment(), live, HASH)


def test_an_object_without_our_hash_is_a_difference() -> None:
    live = as_stored(deployment())
    del live["metadata"]["annotations"]
    assert differs(deployment(), live, HASH)


SERVICE_SPEC: Object = {"selector": {"app": "chat"}}
LABEL_SELECTOR_SPEC: Object = {"selector": {"matchLabels": {"app": "chat"}}}
POD_SPEC: Object = {
    "nodeSelector": {"gpu": "true"},
    "topologySpreadConstraints": [{"maxSkew": 1, "labelSelector": {"matchLabels": {"app": "chat"}}}],
}
EXPRESSION: Object = {"key": "zone", "operator": "Exists"}


def written(spec: Object) -> tuple[Object, Object]:
    """A manifest, and the object as it was written from it."""
    desired: Object = {"metadata": {"name": "chat"}, "spec": spec}
    annotations = {HASH: manifest_hash(desired)}
    return desired, {"metadata": {"name": "chat", "annotations": annotations}, "spec": copy.deepcopy(spec)}


@pytest.mark.parametrize(
    ("spec", "change"),
    [
        (SERVICE_SPEC, lambda spec: spec["selector"].update(added="")),
        (LABEL_SELECTOR_SPEC, lambda spec: spec["selector"]["matchLabels"].update(added="x")),
        (LABEL_SELECTOR_SPEC, lambda spec: spec["selector"].update(matchExpressions=[EXPRESSION])),
        (POD_SPEC, lambda spec: spec["nodeSelector"].update(added="x")),
        (
            POD_SPEC,
            lambda spec: spec["topologySpreadConstraints"][0]["labelSelector"].update(
                matchExpressions=[EXPRESSION]
            ),
        ),
    ],
)
def test_a_key_that_somebody_adds_to_a_selector_is_a_difference(
    spec: Object, change: Callable[[Object], Any]
) -> None:
    desired, live = written(spec)
    change(live["spec"])
    assert differs(desired, live, HASH)


def test_an_empty_part_of_a_selector_that_is_not_stored_is_no_difference() -> None:
    desired, live = written({"selector": {"matchLabels": {"app": "chat"}, "matchExpressions": []}})
    del live["spec"]["selector"]["matchExpressions"]
    assert not differs(desired, live, HASH)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=5), VALUES, max_size=4))
def test_an_object_that_says_exactly_this_does_not_differ(spec: Object) -> None:
    desired = {"metadata": {"name": "n"}, "spec": spec}
    live = {
        "metadata": {"name": "n", "annotations": {HASH: manifest_hash(desired)}},
        "spec": copy.deepcopy(spec),
    }
    assert not differs(desired, live, HASH)


@given(st.dictionaries(st.text(max_size=5), VALUES, min_size=2, max_size=4))
def test_the_hash_does_not_depend_on_the_order_of_keys(manifest: Object) -> None:
    assert manifest_hash(dict(reversed(manifest.items()))) == manifest_hash(manifest)
