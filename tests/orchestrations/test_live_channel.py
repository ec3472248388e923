"""The plugin's way into a pod: what stands in its environment stays, and what cannot be is told."""

from typing import Any

import pytest

from setpoint.api.inferenceservice import InferenceService
from setpoint.engines.vllm_plugin import FOLDER, MIDDLEWARE
from setpoint.orchestrations import deployment, live_channel
from tests.builders import inference_service, settings
from tests.orchestrations.promises import SLO

OWN_IMAGE = {"image": "registry.example/vllm:patched"}
ELSEWHERE = {"valueFrom": {"configMapKeyRef": {"name": "paths", "key": "python"}}}


def with_env(*variables: dict[str, Any], **fields: Any) -> InferenceService:
    main = {"name": "main", "env": list(variables)}
    return inference_service(template={"spec": {"containers": [main]}}, **fields)


def pod(service: InferenceService) -> dict[str, Any]:
    spec: dict[str, Any] = deployment.pod_template(service, settings())["spec"]
    return spec


def env(service: InferenceService) -> dict[str, Any]:
    return {each["name"]: each.get("value") for each in pod(service)["containers"][0]["env"]}


def test_the_plugin_is_found_and_switched_on_in_an_image_of_vllm() -> None:
    service = inference_service(engine={"args": ["--middleware=company.Audit"]})

    main = pod(service)["containers"][0]
    assert env(service)["PYTHONPATH"] == FOLDER
    assert "VLLM_PLUGINS" not in env(service)
    assert main["args"][-2:] == ["--middleware=company.Audit", MIDDLEWARE]
    assert live_channel.plugin_of({"spec": pod(service)}) == live_channel.plugin_name(service)


@pytest.mark.parametrize(("value", "path"), [("/opt/company", f"{FOLDER}:/opt/company"), ("", FOLDER)])
def test_the_path_that_the_template_says_stays_behind_ours(value: str, path: str) -> None:
    service = with_env({"name": "PYTHONPATH", "value": value}, engine=OWN_IMAGE)

    assert env(service)["PYTHONPATH"] == path
    assert pod(service)["containers"][0]["args"][-1] == MIDDLEWARE


@pytest.mark.parametrize(("value", "plugins"), [("company", "company,setpoint"), ("", "setpoint")])
def test_the_plugins_that_the_template_lists_are_joined_by_ours(value: str, plugins: str) -> None:
    assert env(with_env({"name": "VLLM_PLUGINS", "value": value}))["VLLM_PLUGINS"] == plugins


UNREACHABLE = {
    "image of its own": inference_service(engine=OWN_IMAGE, slo=SLO),
    "image of the template": inference_service(
        template={"spec": {"containers": [{"name": "main", "image": "registry.example/vllm:x"}]}}, slo=SLO
    ),
    "path from elsewhere": with_env({"name": "PYTHONPATH", **ELSEWHERE}, slo=SLO),
    "any variables": inference_service(
        template={"spec": {"containers": [{"name": "main", "envFrom": [{"configMapRef": {"name": "x"}}]}]}},
        slo=SLO,
    ),
    "plugins from elsewhere": with_env({"name": "VLLM_PLUGINS", **ELSEWHERE}, slo=SLO),
}


@pytest.mark.parametrize("service", UNREACHABLE.values(), ids=UNREACHABLE)
def test_a_promise_that_nobody_would_judge_is_told_with_what_would_help(service: InferenceService) -> None:
    (fault,) = deployment.faults(service, settings())

    assert (fault.field, fault.reason) == ("spec.slo", "PluginUnreachable")
    assert "PYTHONPATH" in str(fault)


@pytest.mark.parametrize("service", UNREACHABLE.values(), ids=UNREACHABLE)
def test_an_engine_that_the_plugin_cannot_reach_is_left_as_it_is(service: InferenceService) -> None:
    template = deployment.pod_template(service, settings())

    assert live_channel.plugin_of(template) is None
    assert MIDDLEWARE not in template["spec"]["containers"][0]["args"]
    assert FOLDER not in str(template)


def test_an_image_of_ones_own_that_promises_nothing_is_no_fault() -> None:
    assert deployment.faults(inference_service(engine=OWN_IMAGE), settings()) == []


RUST = {
    "on": ({"value": "1"}, "'1' is not 0"),
    "on, by another number": ({"value": " 2"}, "' 2' is not 0"),
    "no number, with which vLLM does not start": ({"value": "true"}, "'true' is not 0"),
    "from elsewhere": (ELSEWHERE, "'valueFrom ...' is not 0"),
    "empty": ({}, "env[VLLM_USE_RUST_FRONTEND]: is not 0"),
}


@pytest.mark.parametrize(("variable", "told"), RUST.values(), ids=RUST)
def test_a_promise_on_the_rust_front_end_is_refused_with_what_would_work(
    variable: dict[str, Any], told: str
) -> None:
    service = with_env({"name": "VLLM_USE_RUST_FRONTEND", **variable}, slo=SLO)

    (fault,) = deployment.faults(service, settings())
    assert (fault.field, fault.reason) == (
        "spec.template.spec.containers[main].env[VLLM_USE_RUST_FRONTEND]",
        "PluginUnreachable",
    )
    assert told in str(fault)
    assert str(fault).endswith("remove this variable, or remove spec.slo")


@pytest.mark.parametrize(("variable", "_told"), RUST.values(), ids=RUST)
def test_the_rust_front_end_without_a_promise_runs_as_it_is(variable: dict[str, Any], _told: str) -> None:
    service = with_env({"name": "VLLM_USE_RUST_FRONTEND", **variable})

    assert deployment.faults(service, settings()) == []
    assert MIDDLEWARE not in pod(service)["containers"][0]["args"]
    assert "PYTHONPATH" not in env(service)


@pytest.mark.parametrize("value", ["0", "00", " 0 "])
def test_a_rust_front_end_that_is_off_keeps_no_promise_from_being_judged(value: str) -> None:
    service = with_env({"name": "VLLM_USE_RUST_FRONTEND", "value": value}, slo=SLO)

    assert deployment.faults(service, settings()) == []
    assert pod(service)["containers"][0]["args"][-1] == MIDDLEWARE


MAIN = {"name": "main"}
TAKEN = {
    "the plugin's volume": {"volumes": [{"name": "setpoint-plugin", "emptyDir": {}}]},
    "the limits' volume": {"volumes": [{"name": "setpoint-limits", "emptyDir": {}}]},
    "the plugin's folder": {
        "containers": [MAIN | {"volumeMounts": [{"name": "tmp", "mountPath": "/opt/setpoint/"}]}]
    },
}


@pytest.mark.parametrize("spec", TAKEN.values(), ids=TAKEN)
def test_a_template_may_not_take_the_channels_place(spec: dict[str, Any]) -> None:
    faults = deployment.faults(inference_service(template={"spec": spec}), settings())

    assert "ForbiddenTemplate" in {fault.reason for fault in faults}


@pytest.mark.parametrize(
    "main", [MAIN | {"env": None}, MAIN | {"env": [{"name": "SETPOINT_LIMITS_FILE", "value": "/x"}]}]
)
def test_a_promise_needs_the_file_it_is_told_by(main: dict[str, Any]) -> None:
    service = inference_service(template={"spec": {"containers": [main]}}, slo=SLO)

    assert {fault.reason for fault in deployment.faults(service, settings())} == {"PluginUnreachable"}


def test_a_plugin_that_the_arguments_switch_on_is_switched_on_once() -> None:
    service = inference_service(engine={"args": ["--middleware", "setpoint_vllm.middleware.Setpoint"]})

    assert MIDDLEWARE not in pod(service)["containers"][0]["args"]
