"""The container that runs vLLM, and the arguments that a service may not give it."""

from typing import Any

import pytest

from setpoint.engines import vllm
from setpoint.engines.container import EngineContainer
from tests.builders import inference_service, settings
from tests.engines.kubelet import expand

TOKEN = {"name": "hub", "key": "token"}


def container(**fields: Any) -> EngineContainer:
    return vllm.container(inference_service(**fields), settings())


def environment(engine: EngineContainer) -> dict[str, Any]:
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in engine.env}


def faults(*args: str) -> list[str]:
    return [str(fault) for fault in vllm.faults(inference_service(engine={"args": list(args)}))]


def test_the_version_chooses_the_image() -> None:
    service = inference_service(engine={"version": "0.33.1"})

    image = vllm.container(service, settings(vllm_image="mirror.example/vllm")).image
    assert image == "mirror.example/vllm:v0.33.1"


def test_an_image_of_the_service_is_taken_as_it_is() -> None:
    assert container(engine={"image": "localhost/vllm@sha256:00"}).image == "localhost/vllm@sha256:00"


def test_the_command_line_names_the_model_first() -> None:
    engine = container(
        uri="hf://acme/tiny-chat@refs/pr/1",
        model={"name": "Tiny: Chat"},
        parallelism={"tensor": 2},
        engine={"drainTimeout": "90500ms", "args": ["--seed", "-1"]},
    )

    assert engine.args == [
        "acme/tiny-chat",
        "--served-model-name=Tiny: Chat",
        "--port=8000",
        "--tensor-parallel-size=2",
        "--shutdown-timeout=91",
        "--disable-access-log-for-endpoints=/health,/metrics",
        "--revision=refs/pr/1",
        "--seed",
        "-1",
    ]


@pytest.mark.parametrize("uri", ["pvc://models/llama", "file:///srv/models/llama"])
def test_a_model_that_is_there_is_served_from_its_mount_without_a_hub(uri: str) -> None:
    engine = vllm.container(inference_service(uri=uri), settings(hugging_face_endpoint="https://hub.example"))

    assert engine.args[0] == "/model"
    assert environment(engine)["HF_HUB_OFFLINE"] == "1"
    assert "HF_ENDPOINT" not in environment(engine)


def test_a_hub_of_the_administrator_is_asked_with_the_token_of_the_service() -> None:
    service = inference_service(model={"tokenSecretRef": TOKEN})

    variables = environment(
        vllm.container(service, settings(hugging_face_endpoint="https://hub.example/$(HOME)"))
    )
    assert expand(variables["HF_ENDPOINT"], {"HOME": "/"}) == "https://hub.example/$(HOME)"
    assert variables["HF_TOKEN"] == {"secretKeyRef": TOKEN}
    assert "HF_HUB_OFFLINE" not in variables


def test_the_api_key_comes_from_its_secret() -> None:
    key = {"name": "key", "key": "k"}

    engine = container(engine={"apiKeySecretRef": key})
    assert environment(engine)["VLLM_API_KEY"] == {"secretKeyRef": key}


def test_without_secrets_no_variable_reads_one() -> None:
    assert all(isinstance(value, str) for value in environment(container()).values())


def test_every_cache_lies_under_the_writable_home() -> None:
    variables = environment(container())

    caches = [value for name, value in variables.items() if "CACHE" in name or name == "HF_HOME"]
    assert len(caches) == 5
    assert all(value.startswith(variables["HOME"] + "/") for value in caches)


def test_arguments_are_data_for_the_kubelet() -> None:
    written = ["--a=$(HF_TOKEN)", "$$(HF_TOKEN)", "$"]

    args = container(model={"name": "$(HF_TOKEN)"}, engine={"args": written}).args
    passed = [expand(argument, {"HF_TOKEN": "secret"}) for argument in args]
    assert passed[1] == "--served-model-name=$(HF_TOKEN)"
    assert passed[-3:] == written


@pytest.mark.parametrize(
    ("argument", "remedy"),
    [
        ("--hf_token=hunter2", "spec.model.tokenSecretRef"),
        ("--port=1", "remove it"),
        ("--host=1", "remove it"),
        ("--uds=/tmp/x", "remove it"),
        ("--model=x", "spec.model.uri"),
        ("--revision=x", "@REVISION"),
        ("--served-model-name=x", "spec.model.name"),
        ("--tensor_parallel_size=2", "spec.parallelism.tensor"),
        ("-tp=2", "spec.parallelism.tensor"),
        ("--shutdown-timeout=1", "spec.engine.drainTimeout"),
        ("--ssl-keyfile=x", "gateway"),
        ("--ssl-certfile=x", "gateway"),
        ("--grpc", "HTTP"),
        ("--headless", "HTTP"),
    ],
)
def test_a_flag_that_a_field_stands_for_is_refused_with_the_field(argument: str, remedy: str) -> None:
    service = inference_service(engine={"args": ["--seed=1", "--seed", "2", argument]})

    (fault,) = vllm.faults(service)
    assert fault.field == "spec.engine.args[3]"
    assert fault.value == argument.partition("=")[0]
    assert remedy in fault.message
    assert "hunter2" not in str(fault)


@pytest.mark.parametrize("argument", ["--por=1", "--hf_t=x", "--te", "--tensor-parallel", "-t", "--hea"])
def test_a_shortened_name_of_such_a_flag_is_refused_too(argument: str) -> None:
    (fault,) = faults(argument)

    assert argument.partition("=")[0] in fault


@pytest.mark.parametrize(
    "arguments",
    [
        ["--max-model-len=8192", "--seed", "-1"],
        [
            "--hf-overrides",
            '{"a": 1}',
            "--model-impl=auto",
            "--revision-x",
            "--ssl-ca-certs=x",
            "--api-server-count",
            "2",
        ],
        ["-O3", "-q", "fp8", "--compilation-config.mode=3", "--port-x"],
        ["--chat-template", "{{ a b }}\n--port 1"],
    ],
)
def test_other_arguments_are_taken(arguments: list[str]) -> None:
    assert faults(*arguments) == []


def test_a_flag_and_its_value_in_one_item_are_told_apart() -> None:
    (fault,) = faults("--max-model-len 8192")

    assert fault == (
        "spec.engine.args[0]: '--max-model-len ...' is a flag and its value in one:"
        " write --max-model-len=VALUE, or two items"
    )


def test_an_argument_before_every_flag_is_refused() -> None:
    (fault,) = faults("hf_hunter2", "--seed=1")

    assert fault.startswith("spec.engine.args[0]: belongs to no flag")


@pytest.mark.parametrize("args", [["--"], ["--seed=1", "--"], ["--seed=1", "--", "--middleware=x"]])
def test_an_end_of_the_flags_is_refused_since_ours_come_after_it(args: list[str]) -> None:
    (fault,) = faults(*args)

    assert fault.startswith(f"spec.engine.args[{args.index('--')}]: '--' ends the flags")
    assert fault.endswith("remove it")


def test_all_faults_are_told_at_once() -> None:
    assert len(faults("x", "--port=1", "--host", "y", "--seed 2")) == 4
