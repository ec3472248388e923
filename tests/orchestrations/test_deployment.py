"""The objects of a service: what they hold for every service, and that no value changes their structure."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.api.inferenceservice import InferenceService, InferenceServiceSpec
from setpoint.engines import vllm_plugin
from setpoint.orchestrations import deployment
from tests.builders import inference_service, owner, settings
from tests.engines.kubelet import expand
from tests.orchestrations.promises import SLO

NODE_PATHS = settings(allowed_node_paths=("/srv",))


def children(service: InferenceService) -> dict[str, dict[str, Any]]:
    template = deployment.pod_template(service, NODE_PATHS)
    revision = deployment.revision_of(service)
    found = deployment.children(
        service, owner=owner(service), template=template, revision=revision, limits="{}"
    )
    return {child["kind"]: child for child in found if not child.get("immutable")}


def pod(service: InferenceService) -> dict[str, Any]:
    spec: dict[str, Any] = deployment.pod_template(service, NODE_PATHS)["spec"]
    return spec


def main(service: InferenceService) -> dict[str, Any]:
    container: dict[str, Any] = pod(service)["containers"][0]
    return container


def test_a_service_has_these_children_and_owns_each() -> None:
    found = children(inference_service(replicas=2))

    assert list(found) == [
        "ConfigMap",
        "ServiceAccount",
        "ControllerRevision",
        "Service",
        "PodDisruptionBudget",
        "Deployment",
    ]
    for child in found.values():
        assert child["metadata"]["namespace"] == "team-a"
        assert child["metadata"]["ownerReferences"] == [
            {**owner(inference_service()), "controller": True, "blockOwnerDeletion": True}
        ]
        assert child["metadata"]["labels"][deployment.SERVICE_LABEL] == "chat"


def test_service_budget_and_deployment_pick_the_same_pods() -> None:
    found = children(inference_service())

    picked = found["Service"]["spec"]["selector"]
    assert found["Deployment"]["spec"]["selector"]["matchLabels"] == picked
    assert found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == picked
    assert picked.items() <= found["Deployment"]["spec"]["template"]["metadata"]["labels"].items()


def test_the_selector_is_the_same_whatever_the_spec_says() -> None:
    changed = inference_service(
        uri="pvc://models", engine={"version": "0.99.0"}, parallelism={"tensor": 8}, replicas=9
    )

    assert deployment.selector(changed) == deployment.selector(inference_service())


def test_the_url_is_the_services() -> None:
    assert deployment.service_url(inference_service("chat", "team-a")) == "http://chat.team-a.svc/v1"


def test_names_fit_a_label_even_at_their_longest() -> None:
    found = children(inference_service("c" * 52))

    assert all(len(child["metadata"]["name"]) <= 63 for child in found.values())


def test_the_template_is_stored_as_it_was_rendered() -> None:
    service = inference_service()
    found = children(service)

    assert deployment.stored_template(found["ControllerRevision"]) == found["Deployment"]["spec"]["template"]
    assert found["ControllerRevision"]["metadata"]["name"] == deployment.revision_name(
        service, deployment.revision_of(service)
    )


def test_a_stored_template_is_used_as_it_is_and_names_its_revision() -> None:
    service, old = inference_service(), {"spec": {"old": True}}

    found = deployment.children(service, owner=owner(service), template=old, revision="r1", limits="{}")
    stored = next(each for each in found if each["kind"] == "ControllerRevision")
    named = {"spec": {"old": True}, "metadata": {"annotations": {"setpoint.dev/revision": "r1"}}}
    assert found[-1]["spec"]["template"] == named
    assert deployment.stored_template(stored) == named
    assert deployment.is_stored(old, "r1", stored)
    assert stored["metadata"]["name"] == "chat-r1"


@pytest.mark.parametrize(
    "changed",
    [
        {"uri": "hf://acme/other"},
        {"model": {"name": "other"}},
        {"engine": {"args": ["--seed=1"]}},
        {"engine": {"drainTimeout": "61s"}},
        {"parallelism": {"tensor": 2}},
        {"placement": {"hugepages": [{"pageSize": "2Mi", "size": "2Mi"}]}},
        {"template": {"spec": {"volumes": []}}},
        {"template": {"spec": {"containers": [{"name": "main", "env": None}]}}},
        {"name": "other"},
    ],
)
def test_what_the_template_depends_on_changes_the_hash(changed: dict[str, Any]) -> None:
    hashes = [deployment.template_inputs_hash(inference_service(**fields)) for fields in ({}, changed)]

    assert hashes[0] != hashes[1]


def test_what_the_template_does_not_depend_on_keeps_the_hash() -> None:
    plain = inference_service()
    spelled_out = inference_service(
        replicas=7,
        template={},
        slo=SLO,
        tuning={"mode": "Auto", "bounds": {"maxNumSeqs": {"min": 8}}, "onStop": "Keep"},
        engine={"type": "VLLM", "version": plain.spec.engine.version, "args": []},
    )

    assert deployment.template_inputs_hash(spelled_out) == deployment.template_inputs_hash(plain)


@pytest.mark.parametrize(
    "changed",
    [
        {"tuning": {"mode": "Disabled"}},
        {"tuning": {"mode": "Auto", "onStop": "Keep"}},
        {"tuning": {"bounds": {"maxNumBatchedTokens": {"min": 64}, "maxNumSeqs": {"min": 8}}}},
        {"slo": {**SLO, "window": "1h"}},
        {"slo": {"objectives": [{**SLO["objectives"][0], "percentile": 50, "threshold": "2s"}]}},
    ],
)
def test_what_is_promised_and_how_it_is_kept_changes_nothing_of_the_deployment(
    changed: dict[str, Any],
) -> None:
    before, after = inference_service(slo=SLO), inference_service(**{"slo": SLO, **changed})

    assert children(after)["Deployment"] == children(before)["Deployment"]


def test_the_hash_is_the_same_under_every_version_of_the_operator() -> None:
    # A change of this number restarts every engine at the next upgrade: see template_inputs_hash.
    service = inference_service(engine={"version": "0.32.0", "startupTimeout": "30m", "drainTimeout": "60s"})

    assert deployment.template_inputs_hash(service)[:10] == "987b60af31"


@pytest.mark.parametrize("added", [{"list": []}, {"map": {"list": []}}, {"list": [], "map": {}}])
def test_a_field_added_to_the_api_keeps_the_hash_while_nothing_in_it_is_set(
    added: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    service = inference_service()
    before = deployment.template_inputs_hash(service)
    dump = InferenceServiceSpec.model_dump
    monkeypatch.setattr(
        InferenceServiceSpec, "model_dump", lambda spec, **options: {**dump(spec, **options), "new": added}
    )

    assert deployment.template_inputs_hash(service) == before


@pytest.mark.parametrize(("drain", "grace_seconds"), [("0s", 20), ("60s", 80), ("1h", 3620), ("1ms", 21)])
def test_a_pod_has_time_to_leave_the_endpoints_and_to_drain(drain: str, grace_seconds: int) -> None:
    service = inference_service(engine={"drainTimeout": drain})

    assert pod(service)["terminationGracePeriodSeconds"] == grace_seconds
    assert main(service)["lifecycle"]["preStop"]["sleep"]["seconds"] < grace_seconds


@pytest.mark.parametrize(("timeout", "seconds"), [("10s", 10), ("30m", 1800), ("24h", 86400), ("12s", 12)])
def test_a_load_may_take_as_long_as_the_start_up_timeout_says(timeout: str, seconds: int) -> None:
    service = inference_service(engine={"startupTimeout": timeout})

    probe = main(service)["startupProbe"]
    allowed_seconds = probe["periodSeconds"] * probe["failureThreshold"]
    assert seconds <= allowed_seconds < seconds + probe["periodSeconds"]
    assert children(service)["Deployment"]["spec"]["progressDeadlineSeconds"] > allowed_seconds


def test_a_pod_asks_for_as_many_accelerators_as_tensor_parallelism_says() -> None:
    assert main(inference_service(parallelism={"tensor": 4}))["resources"]["limits"] == {
        "nvidia.com/gpu": "4"
    }


@pytest.mark.parametrize(
    ("uri", "source", "sub_path"),
    [
        (
            "pvc://models/llama/8b/",
            {"persistentVolumeClaim": {"claimName": "models", "readOnly": True}},
            "llama/8b",
        ),
        ("pvc://models", {"persistentVolumeClaim": {"claimName": "models", "readOnly": True}}, None),
        ("file:////srv//llama/", {"hostPath": {"path": "/srv/llama", "type": "Directory"}}, None),
    ],
)
def test_a_model_that_is_there_is_mounted_read_only(
    uri: str, source: dict[str, Any], sub_path: str | None
) -> None:
    service = inference_service(uri=uri)

    assert {"name": "model", **source} in pod(service)["volumes"]
    (mount,) = [mount for mount in main(service)["volumeMounts"] if mount["name"] == "model"]
    assert mount["readOnly"] is True
    assert mount["mountPath"] == "/model"
    assert mount.get("subPath") == sub_path


def test_every_mount_has_a_volume_and_every_volume_a_mount() -> None:
    pages = [{"pageSize": "2Mi", "size": "4Gi"}, {"pageSize": "1Gi", "size": "1Gi"}]
    service = inference_service(uri="pvc://models", placement={"hugepages": pages})

    volumes = [volume["name"] for volume in pod(service)["volumes"]]
    assert sorted(volumes) == sorted(mount["name"] for mount in main(service)["volumeMounts"])
    assert len(volumes) == len(set(volumes)) == 8


def test_a_mount_of_no_volume_is_told() -> None:
    mounts = [{"name": "certificates", "mountPath": "/etc/tls"}, {"name": "home", "mountPath": "/h"}]
    service = inference_service(template={"spec": {"containers": [{"name": "main", "volumeMounts": mounts}]}})

    (fault,) = deployment.faults(service, NODE_PATHS)

    assert fault.field == "spec.template.spec.containers[main].volumeMounts[/etc/tls].name"
    assert fault.value == "certificates"


NO_VOLUME = {"name": "certificates", "mountPath": "/etc/tls"}
HOST_PATH = {"path": "/srv", "type": "Directory"}


@pytest.mark.parametrize(
    ("volumes", "labels", "told"),
    [
        (
            [],
            {"team": "a b"},
            {
                "spec.template.metadata.labels[team]",
                "spec.template.spec.containers[main].volumeMounts[/etc/tls].name",
            },
        ),
        ([{"nam": "certificates"}], {}, {"spec.template.spec.volumes[0].name"}),
        ("certificates", {}, {"spec.template.spec.volumes"}),
    ],
    ids=["a fault elsewhere", "a volume set aside", "all volumes set aside"],
)
def test_a_mount_of_no_volume_is_told_unless_its_volume_may_have_been_set_aside(
    volumes: Any, labels: dict[str, str], told: set[str]
) -> None:
    spec = {"volumes": volumes, "containers": [{"name": "main", "volumeMounts": [NO_VOLUME]}]}
    service = inference_service(template={"metadata": {"labels": labels}, "spec": spec})

    assert {fault.field for fault in deployment.faults(service, NODE_PATHS)} == told


@pytest.mark.parametrize(
    ("host_path", "mount", "told"),
    [
        ({"type": 5}, {"readOnly": True}, ["spec.template.spec.volumes[0].hostPath.type"]),
        (
            {"type": None},
            {"readOnly": True},
            ["spec.template.spec.volumes[data].hostPath.type"],
        ),
        ({}, {"readOnly": "yes"}, ["spec.template.spec.containers[0].volumeMounts[0].readOnly"]),
        ({}, {}, ["spec.template.spec.containers[main].volumeMounts[/data].readOnly"]),
        (
            {"path": "/etc", "type": 5},
            {"readOnly": True},
            [
                "spec.template.spec.volumes[0].hostPath.type",
                "spec.template.spec.volumes[data].hostPath.path",
            ],
        ),
    ],
)
def test_what_was_set_aside_is_no_second_fault_and_what_is_beside_it_is_one(
    host_path: dict[str, Any], mount: dict[str, Any], told: list[str]
) -> None:
    mounts = [{"name": "data", "mountPath": "/data", **mount}]
    spec = {
        "volumes": [{"name": "data", "hostPath": {**HOST_PATH, **host_path}}],
        "containers": [{"name": "main", "volumeMounts": mounts}],
    }

    found = deployment.faults(inference_service(template={"spec": spec}), NODE_PATHS)

    assert [fault.field for fault in found] == told


def test_pull_secrets_of_the_administrator_are_carried() -> None:
    template = deployment.pod_template(inference_service(), settings(image_pull_secrets=("a", "b")))

    assert template["spec"]["imagePullSecrets"] == [{"name": "a"}, {"name": "b"}]


@pytest.mark.parametrize("uri", ["file:///etc", "file:///srvx"])
def test_a_node_path_that_is_not_allowed_is_refused_at_its_field(uri: str) -> None:
    service = inference_service(uri=uri, template={"spec": {"nodeSelector": {}}})

    (fault,) = deployment.faults(service, NODE_PATHS)

    assert (fault.field, fault.value, fault.reason) == ("spec.model.uri", uri, "NodePathNotAllowed")
    assert "allowedNodePaths" in fault.message


def test_faults_of_engine_model_and_template_are_told_at_once() -> None:
    service = inference_service(
        uri="file:///etc", engine={"args": ["--port=1"]}, template={"spec": {"hostPID": True}}
    )

    assert [fault.reason for fault in deployment.faults(service, NODE_PATHS)] == [
        "ReservedArgument",
        "NodePathNotAllowed",
        "ForbiddenTemplate",
    ]


HOSTILE = st.sampled_from(
    ["---", "\u2028", "\x85", "\x7f", "$(HOME)", "$$(", "{{ x }}", "{% if %}", "'\"\n- a: b", "!hole 0"]
)
TEXT = HOSTILE | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
LINE = TEXT.map(lambda text: "".join(c for c in text if c >= " " and c != "\x7f")).filter(bool)
FOLDER = LINE.map(lambda text: "/".join(part for part in text.split("/") if part.strip("."))).filter(bool)
KEYED = st.dictionaries(TEXT, TEXT, min_size=1, max_size=2)


def shape(value: Any) -> Any:
    """The structure of a value: its maps, keys and lengths, without what stands in them."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    return [shape(item) for item in value] if isinstance(value, list) else type(value).__name__


def service_of_texts(folder: str, name: str, argument: str, note: str) -> InferenceService:
    return inference_service(
        uri=f"pvc://models/{folder}",
        model={"name": name},
        engine={"args": [f"--a={argument}", "--b", f"x{argument}"]},
        template={
            "metadata": {"annotations": {"note": note}},
            "spec": {"containers": [{"name": "main", "env": [{"name": "NOTE", "value": note}]}]},
        },
    )


@given(folder=FOLDER, name=LINE, argument=TEXT, note=TEXT)
def test_any_text_in_any_field_stays_text_at_its_place(
    folder: str, name: str, argument: str, note: str
) -> None:
    service = service_of_texts(folder, name, argument, note)

    found = children(service)
    assert shape(list(found.values())) == shape(list(children(service_of_texts("a", "b", "c", "d")).values()))
    template = found["Deployment"]["spec"]["template"]
    container = template["spec"]["containers"][0]
    passed = [expand(each, {"HOME": "/", "NOTE": "expanded"}) for each in container["args"]]
    assert passed[1] == f"--served-model-name={name}"
    assert passed[-4:] == [f"--a={argument}", "--b", f"x{argument}", vllm_plugin.MIDDLEWARE]
    assert container["volumeMounts"][-1]["subPath"] == folder.strip("/")
    assert {"name": "NOTE", "value": note} in container["env"]
    assert template["metadata"]["annotations"]["note"] == note


@given(labels=KEYED, node_selector=KEYED, image=TEXT)
def test_keys_and_values_of_a_template_come_out_as_they_are(
    labels: dict[str, str], node_selector: dict[str, str], image: str
) -> None:
    service = inference_service(
        template={
            "metadata": {"labels": labels},
            "spec": {"nodeSelector": node_selector, "initContainers": [{"name": "a", "image": image}]},
        }
    )

    template = children(service)["Deployment"]["spec"]["template"]
    assert labels.items() <= template["metadata"]["labels"].items()
    assert template["spec"]["nodeSelector"] == node_selector
    assert template["spec"]["initContainers"][0]["image"] == image
    assert json.loads(json.dumps(template)) == template
