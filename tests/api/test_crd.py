"""What a real API server and the real kubectl make of the CRD."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from setpoint.api.inferenceservice import InferenceService
from setpoint.cli.explain import value_at
from tests.api.kubectl import Admission, Kubectl
from tests.api.test_rules import python_faults
from tests.builders import inference_service_object

pytestmark = pytest.mark.apiserver

HOSTILE = (
    "'",
    '"',
    '"}}',
    "a\nb: c",
    "{{ 7 * 7 }}",
    "{% raw %}",
    "$(HOME)",
    "$$(HOME)",
    "\u2028\u2029\u0085",
    "\x00",
    "\x7f",
    "\U0001f600",
    "\ufeff",
    "- a",
    "# a",
    "!!python/object:os.system",
    "~",
    "0x10",
)
STRING_FIELDS: tuple[tuple[str, ...], ...] = (
    ("model", "uri"),
    ("model", "name"),
    ("model", "tokenSecretRef", "name"),
    ("model", "tokenSecretRef", "key"),
    ("engine", "type"),
    ("engine", "version"),
    ("engine", "image"),
    ("engine", "args"),
    ("engine", "apiKeySecretRef", "name"),
    ("engine", "apiKeySecretRef", "key"),
    ("engine", "startupTimeout"),
    ("engine", "drainTimeout"),
    ("orchestration",),
    ("placement", "accelerator", "type"),
    ("placement", "hugepages"),
    ("slo", "window"),
    ("tuning", "mode"),
    ("tuning", "onStop"),
    ("template", "spec", "nodeName"),
)
OBJECTIVE = {"name": "between-tokens", "metric": "InterTokenLatency", "threshold": "60ms"}


@pytest.fixture
def chat(kubectl: Kubectl) -> Iterator[str]:
    """A stored InferenceService; its name."""
    kubectl("create", "-f", "-", stdin=json.dumps(inference_service_object("chat", "default")))
    yield "chat"
    kubectl("delete", "infsvc", "chat")


def test_crd_is_established_and_structural(kubectl: Kubectl) -> None:
    status = json.loads(kubectl("get", "crd/inferenceservices.setpoint.dev", "-o", "json"))["status"]
    conditions = {each["type"]: each["status"] for each in status["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}


def test_least_object_gets_every_default_at_every_depth(admission: Admission) -> None:
    stored = admission.create(inference_service_object(namespace="default")).body["spec"]
    assert stored == {
        "model": {"uri": "hf://acme/tiny-chat"},
        "engine": {"type": "VLLM", "version": "0.32.0", "startupTimeout": "30m", "drainTimeout": "60s"},
        "orchestration": "Deployment",
        "parallelism": {"tensor": 1},
        "placement": {"accelerator": {"type": "GPU"}},
        "replicas": 1,
        "tuning": {"mode": "Recommend", "onStop": "Restore"},
    }


def test_a_promise_gets_its_defaults(admission: Admission) -> None:
    submitted = inference_service_object(namespace="default", slo={"objectives": [OBJECTIVE]})
    stored = admission.create(submitted).body["spec"]
    assert stored["slo"] == {"objectives": [{**OBJECTIVE, "percentile": 95}], "window": "5m"}


def test_python_and_api_server_set_the_same_defaults(admission: Admission) -> None:
    submitted = inference_service_object(namespace="default", placement={}, engine={"version": "0.33.0"})
    stored = admission.create(submitted).body
    assert InferenceService.model_validate(stored) == InferenceService.model_validate(submitted)


def test_operator_reads_an_object_of_a_newer_version(admission: Admission) -> None:
    stored = admission.create(inference_service_object(namespace="default")).body
    stored["spec"]["invented"] = {"later": 1}
    assert InferenceService.model_validate(stored).spec.replicas == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [({}, {"name": "other"}), ({"name": "llama"}, {"name": "other"}), ({"name": "llama"}, {"name": None})],
)
def test_served_name_is_immutable(kubectl: Kubectl, before: dict[str, str], after: dict[str, Any]) -> None:
    kubectl(
        "create", "-f", "-", stdin=json.dumps(inference_service_object("renamed", "default", model=before))
    )
    try:
        patch = json.dumps({"spec": {"model": after}})
        done = kubectl.run("patch", "infsvc", "renamed", "--type=merge", "-p", patch)
        assert "spec.model.name" in done.stderr
        assert "is immutable" in done.stderr
        kubectl(
            "patch", "infsvc", "renamed", "--type=merge", "-p", '{"spec": {"model": {"uri": "hf://a/other"}}}'
        )
    finally:
        kubectl("delete", "infsvc", "renamed")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("infsvc", "DESCRIPTION:"),
        ("infsvc.spec", "model <Object> -required-"),
        ("infsvc.spec.engine.startupTimeout", "How long a pod may take to load the model"),
        ("infsvc.spec.engine.type", "ENUM: VLLM"),
        ("infsvc.spec.placement.hugepages.size", "a multiple of `pageSize`"),
        ("infsvc.spec.model.tokenSecretRef.key", "Key within the Secret's data"),
        ("infsvc.spec.tuning.mode", "ENUM: Disabled Recommend Auto"),
        ("infsvc.spec.tuning.bounds.maxNumSeqs.max", "The largest value that it may have"),
        ("infsvc.spec.slo.objectives.percentile", "How many of a hundred latencies"),
        ("infsvc.status.conditions.reason", "one CamelCase word"),
        ("infsvc.status.tuning.decisions.effect", "What came of it"),
        ("tuningcheckpoint", "For the operator alone"),
        ("tuningcheckpoint.spec.state", "for the operator alone"),
    ],
)
def test_kubectl_explains_each_field(kubectl: Kubectl, path: str, words: str) -> None:
    assert words in " ".join(kubectl("explain", path).split())


def test_kubectl_get_shows_readiness_and_more_when_wide(kubectl: Kubectl, chat: str) -> None:
    status = {
        "url": "http://chat.default.svc/v1",
        "replicaSummary": "1/2",
        "conditions": [
            _condition("Ready", "True", "Routable"),
            _condition("Progressing", "True", "RollingOut"),
            _condition("SLOMet", "True", "Met"),
            _condition("Tuning", "True", "Holding"),
        ],
        "tuning": {"goodShare": "98.5%"},
    }
    kubectl(
        "patch", "infsvc", chat, "--subresource=status", "--type=merge", "-p", json.dumps({"status": status})
    )
    header, row = kubectl("get", "infsvc", chat).splitlines()
    assert header.split() == ["NAME", "READY", "REPLICAS", "SLO", "TUNING", "AGE"]
    assert row.split()[:5] == ["chat", "True", "1/2", "Met", "Holding"]
    header, row = kubectl("get", "infsvc", chat, "-o", "wide").splitlines()
    assert header.split()[6:] == ["MODEL", "GOOD", "MODE", "URL", "REASON"]
    assert row.split()[6:] == [
        "hf://acme/tiny-chat",
        "98.5%",
        "Recommend",
        "http://chat.default.svc/v1",
        "RollingOut",
    ]


def test_a_service_without_a_promise_shows_nothing_of_it(kubectl: Kubectl, chat: str) -> None:
    status = {"replicaSummary": "1/1", "conditions": [_condition("Ready", "True", "Routable")]}
    kubectl(
        "patch", "infsvc", chat, "--subresource=status", "--type=merge", "-p", json.dumps({"status": status})
    )
    _, row = kubectl("get", "infsvc", chat).splitlines()
    assert row.split()[:3] == ["chat", "True", "1/1"]
    assert len(row.split()) == 4


@pytest.mark.parametrize("group", ["setpoint", "all"])
def test_kubectl_finds_services_in_their_categories(kubectl: Kubectl, chat: str, group: str) -> None:
    assert f"inferenceservice.setpoint.dev/{chat}" in kubectl("get", group, "-o", "name")


def test_kubectl_scales_through_the_scale_subresource(kubectl: Kubectl, chat: str) -> None:
    status = {"replicas": 1, "selector": "setpoint.dev/inferenceservice=chat"}
    kubectl(
        "patch", "infsvc", chat, "--subresource=status", "--type=merge", "-p", json.dumps({"status": status})
    )
    kubectl("scale", f"infsvc/{chat}", "--replicas=3")
    assert kubectl("get", "infsvc", chat, "-o", "jsonpath={.spec.replicas}") == "3"
    scale = json.loads(kubectl("get", "infsvc", chat, "--subresource=scale", "-o", "json"))
    assert scale["status"] == status
    assert (
        "should be less than or equal to 1000"
        in kubectl.run("scale", f"infsvc/{chat}", "--replicas=1001").stderr
    )


def test_spec_and_status_are_written_apart(kubectl: Kubectl, chat: str) -> None:
    both = json.dumps({"spec": {"replicas": 7}, "status": {"replicaSummary": "7/7"}})
    kubectl("patch", "infsvc", chat, "--type=merge", "-p", both)
    assert kubectl("get", "infsvc", chat, "-o", "jsonpath={.spec.replicas} {.status}") == "7 "
    both = both.replace('"replicas": 7', '"replicas": 9')
    kubectl("patch", "infsvc", chat, "--subresource=status", "--type=merge", "-p", both)
    shown = kubectl("get", "infsvc", chat, "-o", "jsonpath={.spec.replicas} {.status.replicaSummary}")
    assert shown == "7 7/7"


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("field", STRING_FIELDS, ids=".".join)
def test_any_text_is_refused_by_its_field_or_stored_as_it_is(
    admission: Admission, field: tuple[str, ...], text: str
) -> None:
    submitted = _with_text(field, text)
    written = copy.deepcopy(submitted)
    answer = admission.create(submitted)
    if answer.accepted:
        assert python_faults(submitted) == []
        assert value_at(answer.body["spec"], field) == value_at(written["spec"], field)
    else:
        path = ".".join(("spec", *field))
        assert any(told.startswith(path) and message for told, message in answer.causes)
        assert any(told.startswith(path) for told, _ in python_faults(submitted))


def _with_text(field: tuple[str, ...], text: str) -> dict[str, Any]:
    submitted = inference_service_object(
        namespace="default",
        model={"tokenSecretRef": {"name": "hub", "key": "token"}},
        engine={"apiKeySecretRef": {"name": "keys", "key": "api"}},
    )
    value: Any = text
    if field[-1] == "args":
        value = ["--chat-template=" + text]
    elif field[-1] == "hugepages":
        value = [{"pageSize": "2Mi", "size": text}]
    elif field[-1] == "uri":
        value = "pvc://claim/" + text
        del submitted["spec"]["model"]["tokenSecretRef"]
    elif field[0] == "slo":
        submitted["spec"]["slo"] = {"objectives": [OBJECTIVE]}
    place = submitted["spec"]
    for name in field[:-1]:
        place = place.setdefault(name, {})
    place[field[-1]] = value
    return submitted


def _condition(kind: str, status: str, reason: str) -> dict[str, Any]:
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": "",
        "observedGeneration": 1,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
