import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.api.conftest import kubectl
from tests.api.kubectl import Kubectl
from tests.builders import inference_service_object
from tests.cli.conftest import Run, Write
from tests.cli.test_validate import EXAMPLES

__all__ = ["kubectl"]


def _kinds(text: str) -> list[str]:
    return [document["kind"] for document in yaml.safe_load_all(text)]


def test_all_children_are_printed_in_the_order_of_applying(run: Run, write: Write) -> None:
    ended = run("render", "-f", write(inference_service_object("a"), inference_service_object("b")))
    assert (ended.status, ended.err) == (0, "")
    documents = list(yaml.safe_load_all(ended.out))
    kinds = [(each["kind"], each["metadata"]["labels"]["app.kubernetes.io/instance"]) for each in documents]
    ours = ["ServiceAccount", "ControllerRevision", "Service", "PodDisruptionBudget", "Deployment"]
    ours += ["ConfigMap", "ConfigMap"]
    assert sorted(kinds) == sorted((kind, name) for kind in ours for name in "ab")
    assert (
        kinds.index(("ServiceAccount", "a"))
        < kinds.index(("Deployment", "a"))
        < kinds.index(("ServiceAccount", "b"))
    )


def test_the_same_file_gives_the_same_text(run: Run, write: Write) -> None:
    file = write(
        inference_service_object(engine={"args": ["--seed=1"]}, template={"spec": {"nodeName": None}})
    )
    assert run("render", "-f", file).out == run("render", "-f", file).out


def test_nothing_is_printed_that_only_a_cluster_knows(run: Run, write: Write) -> None:
    for document in yaml.safe_load_all(run("render", "-f", write(inference_service_object())).out):
        assert "status" not in document
        assert not {"ownerReferences", "uid", "resourceVersion"} & document["metadata"].keys()


@pytest.mark.parametrize("namespace", ["team-a", None])
def test_the_namespace_is_the_files_own_or_left_to_kubectl(
    run: Run, write: Write, namespace: str | None
) -> None:
    service = inference_service_object()
    service["metadata"]["namespace"] = namespace
    documents = yaml.safe_load_all(run("render", "-f", write(service)).out)
    assert {document["metadata"].get("namespace") for document in documents} == {namespace}


def test_settings_of_the_administrator_are_used(run: Run, write: Write) -> None:
    mirror = write({"vllmImage": "mirror.example/vllm"}, name="settings.yaml")
    assert (
        "image: mirror.example/vllm:v0.32.0\n"
        in run("render", "-f", write(inference_service_object()), "--settings", mirror).out
    )


def test_a_fault_in_one_service_prints_the_fault_and_no_object(run: Run, write: Write) -> None:
    ended = run("render", "-f", write(inference_service_object(), inference_service_object(replicas=-1)))
    assert (ended.status, ended.out) == (1, "")
    assert ended.err == "chat.yaml:2: spec.replicas: '-1' must be at least 0\n"


@pytest.mark.apiserver
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_kubectl_takes_what_is_rendered(run: Run, kubectl: Kubectl, path: Path) -> None:
    rendered = run("render", "-f", str(path)).out
    applied = kubectl(
        "apply", "--dry-run=server", "--validate=strict", "-o", "json", "-f", "-", stdin=rendered
    )
    items: list[dict[str, Any]] = json.loads(applied)["items"]
    assert [item["kind"] for item in items] == _kinds(rendered)
