import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.builders import inference_service_object
from tests.cli.conftest import Ended, Run, Write

EXAMPLES = sorted((Path(__file__).parents[2] / "manifests/examples").glob("*.yaml"))


def test_a_service_without_fault_is_named_as_valid(run: Run, write: Write) -> None:
    ended = run("validate", "-f", write(inference_service_object()))
    assert (ended.status, ended.out, ended.err) == (0, "chat.yaml:1: chat: valid\n", "")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_valid(run: Run, path: Path) -> None:
    ended = run("validate", "-f", str(path))
    assert (ended.status, ended.err) == (0, "")


def test_every_fault_is_told_at_once_with_file_field_value_and_remedy(run: Run, write: Write) -> None:
    wrong = inference_service_object(
        "9chat",
        uri="pvc://claim/../x",
        model={"tokenSecretRef": {"name": "hub"}},
        engine={"typ": "VLLM", "version": "v0.32.0", "args": ["--port=1", 8192], "startupTimeout": "5s"},
        placement={"hugepages": [{"pageSize": "2Mi", "size": "3Mi"}, {"pageSize": "1Gi", "size": "4GB"}]},
        parallelism={"tensor": 0},
        replicas="2",
        template={"spec": {"hostNetwork": True}},
    )
    ended = run("validate", "-f", write(inference_service_object("good"), wrong))
    assert ended.status == 1
    assert ended.out == "chat.yaml:1: good: valid\n"
    lines = ended.err.splitlines()
    for told in (
        "metadata.name: '9chat' must be at most 52 lower-case letters",
        "spec.model.uri: 'pvc://claim/../x' must not contain the path elements . or ..",
        "spec.model.tokenSecretRef.key: is required: Key within the Secret's data.",
        "spec.engine.typ: is not a field: did you mean type?",
        "spec.engine.version: 'v0.32.0' must be a version such as 0.32.0, without a v",
        "spec.engine.args[0]: '--port' is Setpoint's to set",
        "spec.engine.args[1]: '8192' must be text: put it in quotes",
        "spec.engine.startupTimeout: '5s' must be a duration from 10s to 24h, such as 90s or 1h30m",
        "spec.placement.hugepages[0].size: '3Mi' must be a multiple of pageSize",
        "spec.placement.hugepages[1].size: '4GB' must be a whole number of Ki, Mi, Gi or Ti",
        "spec.parallelism.tensor: '0' must be at least 1",
        "spec.replicas: '2' must be a whole number, without quotes",
        "spec.template.spec.hostNetwork: 'true'",
    ):
        assert any(line.startswith(f"chat.yaml:2: {told}") for line in lines), (told, lines)
    assert len(lines) == 13


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ({"spec": {}}, "spec.model: is required: What is served."),
        ({"spec": None}, "spec: is required: A model and how it is to be served."),
        ({"spec": []}, "spec: must be a mapping of fields"),
        ({"metadata": {}}, "metadata.name: is required"),
        (
            {"metadata": {"name": "chat", "lables": {}}},
            "metadata.lables: is not a field: did you mean labels?",
        ),
        (
            {"metadata": {"name": "chat", "labels": {"a.b/c": True}}},
            "metadata.labels['a.b/c']: 'true' must be text",
        ),
        (
            {"metadata": {"name": "chat", "labels": {"team": "a b"}}},
            "metadata.labels.team: 'a b' is no label's value: at most 63",
        ),
        (
            {"metadata": {"name": "chat", "labels": {"a b": "x"}}},
            "metadata.labels['a b']: has no valid key: at most 63",
        ),
        (
            {"metadata": {"name": "chat", "annotations": {"-a": "s3cret"}}},
            "metadata.annotations['-a']: has no valid key",
        ),
        (
            {"metadata": {"name": "chat", "namespace": "Team A"}},
            "metadata.namespace: 'Team A' must be an object's name",
        ),
        ({"apiVersion": "setpoint.dev/v1"}, "apiVersion: 'setpoint.dev/v1' must be 'setpoint.dev/v1alpha1'"),
        ({"apiVersion": None}, "apiVersion: is required"),
        ({"kind": "InferenceServer"}, "kind: 'InferenceServer' must be 'InferenceService'"),
        ({"sepc": {}}, "sepc: is not a field: did you mean spec?"),
        (
            {"zzz": {}},
            "zzz: is not a field: remove it; the object has apiVersion, kind, metadata, spec, status",
        ),
    ],
)
def test_a_fault_around_the_spec_is_told_alone(
    run: Run, write: Write, broken: dict[str, Any], told: str
) -> None:
    ended = run("validate", "-f", write({**inference_service_object(), **broken}))
    assert ended.status == 1
    assert ended.err.startswith(f"chat.yaml:1: {told}")
    assert len(ended.err.splitlines()) == 1


def test_a_key_among_the_arguments_does_not_hide_what_else_is_wrong_with_them(run: Run, write: Write) -> None:
    args = ["--seed=1", "--api-key=s3cret", "--port=1", "-- uds=x", "--host 0.0.0.0"]
    ended = run("validate", "-f", write(inference_service_object(engine={"args": args})))
    assert ended.status == 1
    assert [line.partition(" must ")[0].partition(" is ")[0] for line in ended.err.splitlines()] == [
        "chat.yaml:1: spec.engine.args:",
        "chat.yaml:1: spec.engine.args[3]: '-- ...' has a space after its dashes: take it out",
        "chat.yaml:1: spec.engine.args[4]: '--host ...'",
        "chat.yaml:1: spec.engine.args[2]: '--port'",
    ]


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (
            [None, "--port=1", "--host 1"],
            ["args[0]: must be text", "args[2]: '--host ...' is a flag and its", "args[1]: '--port' is"],
        ),
        (
            ["--seed=1", "--api-key=s3cret", {"a": "b"}, "--port=1"],
            ["args[2]: must be text", "args: must not contain", "args[3]: '--port' is"],
        ),
        (["--seed", ["1"], "x"], ["args[1]: must be text"]),
    ],
)
def test_an_argument_that_is_no_text_does_not_hide_what_is_wrong_with_the_others(
    run: Run, write: Write, args: list[Any], told: list[str]
) -> None:
    ended = run("validate", "-f", write(inference_service_object(engine={"args": args})))
    assert ended.status == 1
    assert "s3cret" not in ended.err
    lines = ended.err.splitlines()
    assert len(lines) == len(told), lines
    for line, expected in zip(lines, told, strict=True):
        assert line.startswith(f"chat.yaml:1: spec.engine.{expected}")


def test_the_fields_of_a_template_are_told_as_they_are_written(run: Run, write: Write) -> None:
    env = [{"nam": "A", "value": "1"}, {"name": "B", "valu": "x"}]
    spec = {
        "containers": [{"name": "main", "env": env}],
        "tolerations": {"key": "a"},
        "nodeSelector": ["a"],
        "affinity": "x",
        "volumes": "v",
        "topologySpreadConstraints": None,
        "initContainers": [{"name": "fetch", "resources": {"limits": 3}, "envFrom": ["a"]}],
    }
    ended = run("validate", "-f", write(inference_service_object(template={"spec": spec})))
    assert ended.status == 1
    assert [line.removeprefix("chat.yaml:1: spec.template.spec.") for line in ended.err.splitlines()] == [
        "containers[0].env[0].name: is required",
        "volumes: 'v' must be a list",
        "containers[0].env[0].nam: is not a field of a pod: did you mean name?",
        "containers[0].env[1].valu: is not a field of a pod: did you mean value?",
        "tolerations: must be a list",
        "nodeSelector: must be a mapping",
        "affinity: must be a mapping",
        "initContainers[0].resources.limits: must be a mapping",
        "initContainers[0].envFrom[0]: must be a mapping",
    ]


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        (
            {"containerz": []},
            "spec.template.spec.containerz: is not a field of a pod: did you mean containers?",
        ),
        (
            {"containers": [{"name": "main", "envFrom": [{"secretReff": {"name": "x"}}]}]},
            "spec.template.spec.containers[0].envFrom[0].secretReff: is not a field of a pod: did you",
        ),
        ({"xyzzy": 1}, "spec.template.spec.xyzzy: is not a field of a pod: remove it"),
        (
            {"containers": [{"name": "main", "volumeMounts": [{"name": "tls", "mountPath": "/tls"}]}]},
            "spec.template.spec.containers[main].volumeMounts[/tls].name: 'tls' is no volume of the pod",
        ),
    ],
)
def test_a_field_or_volume_of_the_template_that_does_not_exist_is_told(
    run: Run, write: Write, spec: dict[str, Any], told: str
) -> None:
    ended = run("validate", "-f", write(inference_service_object(template={"spec": spec})))
    assert ended.status == 1
    assert ended.err.startswith(f"chat.yaml:1: {told}")
    assert len(ended.err.splitlines()) == 1


def test_any_field_of_a_pod_is_taken(run: Run, write: Write) -> None:
    spec = {
        "nodeSelector": {"any.key/x": "y"},
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
        "containers": [
            {
                "name": "main",
                "resources": {"limits": {"memory": "1Gi", "example.com/any": "1"}},
                "envFrom": [{"configMapRef": {"name": "x"}}],
                "livenessProbe": {"httpGet": {"path": "/", "port": "http"}},
            }
        ],
    }
    assert run("validate", "-f", write(inference_service_object(template={"spec": spec}))).err == ""


@pytest.mark.parametrize(
    "spec",
    [
        {"model": {"uri": "hf://a/b", "token": "s3cret"}},
        {"model": {"uri": "hf://a/b", "tokenSecretRef": "s3cret"}},
        {"model": {"uri": "hf://a/b", "tokenSecretRef": {"name": "S3CRET/s3cret", "key": "s3cret/"}}},
        {"model": {"uri": "https://user:s3cret@hub.example/a/b"}},
        {"model": {"uri": "hf://a/b"}, "engine": {"args": ["--api-key=s3cret"]}},
        {"model": {"uri": "hf://a/b"}, "engine": {"args": ["--api-key", "s3cret"]}},
        {"model": {"uri": "hf://a/b"}, "engine": {"args": ["--hf-token=s3cret"]}},
        {"model": {"uri": "hf://a/b"}, "engine": {"apiKey": "s3cret"}},
    ],
)
def test_what_may_be_a_secret_is_never_printed(run: Run, write: Write, spec: dict[str, Any]) -> None:
    ended = run("validate", "-f", write({**inference_service_object(), "spec": spec}))
    assert ended.status == 1
    assert "s3cret" not in ended.out + ended.err


def test_a_node_path_is_judged_by_the_administrators_settings(run: Run, write: Write) -> None:
    service = write(inference_service_object(uri="file:///models/a"))
    allowing = write({"allowedNodePaths": ["/models"]}, name="settings.yaml")
    assert "spec.model.uri: 'file:///models/a'" in run("validate", "-f", service).err
    assert run("validate", "-f", service, "--settings", allowing).status == 0


def test_other_kinds_are_named_and_passed_over(run: Run, write: Write) -> None:
    kserve = {**inference_service_object(), "apiVersion": "serving.kserve.io/v1beta1"}
    ended = run(
        "validate", "-f", write({"apiVersion": "v1", "kind": "Secret"}, inference_service_object(), kserve)
    )
    assert (ended.status, ended.out) == (0, "chat.yaml:2: chat: valid\n")
    assert ended.err.splitlines() == [
        "chat.yaml:1: v1 Secret: passed over, not setpoint.dev/v1alpha1 InferenceService",
        "chat.yaml:3: serving.kserve.io/v1beta1 InferenceService: passed over, "
        "not setpoint.dev/v1alpha1 InferenceService",
    ]


def test_a_list_as_kubectl_prints_it_is_read_item_by_item(run: Run, write: Write) -> None:
    stored = inference_service_object()
    stored["metadata"] |= {"uid": "1", "resourceVersion": "2", "generation": 3, "creationTimestamp": None}
    listed = {"apiVersion": "v1", "kind": "List", "items": [{**stored, "status": {"url": "x"}}]}
    assert run("validate", "-f", write(listed)).out == "chat.yaml:1: chat: valid\n"


def test_standard_input_is_read_for_a_dash(run: Run) -> None:
    ended = run("validate", "-f", "-", stdin=json.dumps(inference_service_object(uri="x")).encode())
    assert ended.status == 1
    assert ended.err.startswith("-:1: spec.model.uri: 'x' must be hf://")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "chat.yaml: is empty: write an InferenceService into it"),
        ("# nothing\n---\n", "chat.yaml: is empty: write an InferenceService into it"),
        ("kind: Secret\napiVersion: v1\n", "chat.yaml: no InferenceService of setpoint.dev/v1alpha1"),
        ("a sentence", "chat.yaml:1: is not an object: it needs apiVersion, kind, metadata and spec"),
        ("- a", "chat.yaml:1: is not an object"),
        ("kind: List\nitems: 3", "chat.yaml:1: is not an object"),
        ("a: 1\nb: [", "chat.yaml: line 3: not valid YAML: did not find expected node content"),
        ("a: 1\nb: 2\na: 3", "chat.yaml: line 3: not valid YAML: the key 'a' stands twice"),
        ("a: &x [*x]", "chat.yaml: line 1: not valid YAML: an alias stands within itself"),
        ("[" * 100_000, "chat.yaml: line 1: not valid YAML: nests deeper than 100"),
        ("a: \x00", "chat.yaml: not valid YAML: "),
        (b"a: \xff", "chat.yaml: is not UTF-8 at byte 3: save it as UTF-8"),
        (b"#" * (8 * 2**20 + 1), "chat.yaml: is larger than 8388608 bytes: split it"),
    ],
)
def test_a_file_that_is_no_object_ends_with_status_2(
    run: Run, write: Write, content: str | bytes, told: str
) -> None:
    ended = run("validate", "-f", write(content))
    assert ended.status == 2
    assert ended.err.splitlines()[-1].startswith(told)
    assert ended.out == ""


@pytest.mark.parametrize("command", ["validate", "render"])
def test_a_file_that_cannot_be_read_does_not_hide_the_faults_of_others(
    run: Run, write: Write, command: str
) -> None:
    wrong, empty = write(inference_service_object(replicas=-1)), write("", name="empty.yaml")
    ended = run(command, "-f", empty, "-f", wrong, "-f", "absent.yaml")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.splitlines() == [
        "chat.yaml:1: spec.replicas: '-1' must be at least 0",
        "empty.yaml: is empty: write an InferenceService into it",
        "absent.yaml: cannot be read: No such file or directory",
    ]


def rendered_args(ended: Ended) -> list[str]:
    """The arguments of the engine in what `render` printed."""
    assert (ended.status, ended.err) == (0, "")
    (deployment,) = [each for each in yaml.safe_load_all(ended.out) if each["kind"] == "Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    args: list[str] = container["args"]
    return args


def test_json_may_escape_any_character(run: Run, write: Write) -> None:
    service = inference_service_object(engine={"args": ["--seed=\U0001f600", "\\ud83d\\ude00"]})
    ended = run("render", "-f", write(json.dumps(service)))
    assert rendered_args(ended)[-3:-1] == ["--seed=\U0001f600", "\\ud83d\\ude00"]


def test_yaml_that_looks_like_json_keeps_what_is_no_escape_in_it(run: Run, write: Write) -> None:
    service = json.dumps(inference_service_object(engine={"args": ["--seed=1", "x"]}))
    ended = run("render", "-f", write(service.replace('"x"', r"'\ud83d\ude00'")))
    assert rendered_args(ended)[-2] == r"\ud83d\ude00"


def test_a_missing_file_and_a_folder_are_said(run: Run, tmp_path: Path) -> None:
    ended = run("validate", "-f", str(tmp_path / "absent.yaml"))
    assert (ended.status, ended.err) == (
        2,
        f"{tmp_path}/absent.yaml: cannot be read: No such file or directory\n",
    )
    ended = run("validate", "-f", str(tmp_path))
    assert (ended.status, ended.err) == (2, f"{tmp_path}: cannot be read: Is a directory\n")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"vllmImages": "x"}, "settings.yaml: vllmImages: "),
        ({"allowedNodePaths": "/models"}, "settings.yaml: allowedNodePaths: "),
        (
            {"allowedNodePaths": ["/a", "models"]},
            "settings.yaml: allowedNodePaths[1]: 'models' must be an absolute",
        ),
        ({"allowedNodePaths": ["/srv/../etc"]}, "settings.yaml: allowedNodePaths[0]: '/srv/../etc' must be"),
        ("", "settings.yaml: is empty"),
    ],
)
def test_wrong_settings_are_said(run: Run, write: Write, content: dict[str, Any] | str, told: str) -> None:
    service = write(inference_service_object())
    ended = run("validate", "-f", service, "--settings", write(content, name="settings.yaml"))
    assert ended.status == 2
    assert ended.err.startswith(told)
