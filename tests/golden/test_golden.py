"""The golden files are what the operator renders, and a real API server takes them as they are."""

import json

import pytest
import yaml

from tests.apiserver import NAMESPACES, ApiServer
from tests.golden.generate import CASES, FOLDER, golden, objects
from tests.kubectl import kubectl


def test_every_golden_file_is_what_is_rendered_now() -> None:
    held = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.yaml")}

    assert held == {name: golden(name) for name in CASES}, "run `python -m tests.golden.generate`"


@pytest.mark.parametrize("name", CASES)
def test_a_golden_file_reads_back_as_the_same_objects(name: str) -> None:
    assert list(yaml.load_all(golden(name), Loader=yaml.CSafeLoader)) == objects(*CASES[name])


@pytest.mark.apiserver
@pytest.mark.parametrize("name", CASES)
async def test_the_api_server_takes_the_objects_strictly_and_without_a_warning(
    name: str, api_server: ApiServer
) -> None:
    namespace = await api_server.create_namespace()
    metadata = {"name": namespace, "labels": {"pod-security.kubernetes.io/warn": "restricted"}}
    async with api_server.client() as client:
        labelled = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
        await client.apply(NAMESPACES, None, namespace, labelled, field_manager="tests")
    items = objects(*CASES[name])
    for item in items:
        item["metadata"]["namespace"] = namespace

    answer = kubectl(
        *("--kubeconfig", str(api_server.kubeconfig), "apply", "--filename=-"),
        *("--server-side", "--dry-run=server", "--validate=strict"),
        stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}),
    )

    assert answer.returncode == 0, answer.stderr
    warnings = answer.stderr.splitlines()
    if name == "node-path":
        # No hostPath is `restricted`: whoever allows node paths decides that for such namespaces too.
        assert len(warnings) == 1
        assert "restricted volume types" in warnings[0]
        assert "would violate" in warnings[0]
        assert warnings[0].count(";") == 0
    else:
        assert warnings == []
