"""`setpoint status` on a real API server, and what it says where there is none."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from setpoint.api.crd import crds
from setpoint.kube.client import KubeClient
from setpoint.kube.resources import INFERENCE_SERVICES, Resource
from tests.apiserver import ApiServer
from tests.cli.conftest import Ended, Run
from tests.controllers.inferenceservice.users import create, service, set_status
from tests.controllers.tuning.running import tuned

ROLES = Resource("rbac.authorization.k8s.io", "v1", "roles", "Role")
ROLE_BINDINGS = Resource("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding")


def kubeconfig(path: Path, server: str, namespace: str = "team-a", **user: Any) -> str:
    """A kubeconfig of the contexts prod, the current one, and lab."""
    context = {"cluster": "prod", "user": "me", "namespace": namespace}
    content = {
        "clusters": [{"name": "prod", "cluster": {"server": server, "insecure-skip-tls-verify": True}}],
        "users": [{"name": "me", "user": user}],
        "contexts": [{"name": name, "context": context} for name in ("prod", "lab")],
        "current-context": "prod",
    }
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return str(path)


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let a person have no kubeconfig but the one that a test names."""
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


class Answer(BaseHTTPRequestHandler):
    """Answers every request with one code and a text that is no Status."""

    code = 404

    def do_GET(self) -> None:
        self.send_response(self.code)
        self.end_headers()
        self.wfile.write(b"who knows")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def stub() -> Iterator[HTTPServer]:
    """A server of no Kubernetes."""
    with HTTPServer(("127.0.0.1", 0), type("Stub", (Answer,), {})) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_without_a_kubeconfig_that_is_said(run: Run) -> None:
    message = "no cluster: there is no file ~/.kube/config: name a kubeconfig by --kubeconfig or KUBECONFIG\n"
    assert run("status", "chat") == Ended(2, "", message)


def test_a_kubeconfig_that_is_none_is_named(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("[]")
    ended = run("status", "chat", "--kubeconfig", str(path))
    assert (ended.status, ended.out) == (2, "")
    assert f"{path} is no kubeconfig" in ended.err


def test_a_context_that_is_not_there_is_answered_by_those_that_are(run: Run, tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "config", "https://127.0.0.1:1")
    ended = run("status", "chat", "--kubeconfig", path, "--context", "proud")
    message = f"--context: 'proud' is not in {path}: name one of its contexts by --context: prod, lab\n"
    assert ended == Ended(2, "", message)


def test_an_api_server_that_cannot_be_reached_is_named(run: Run, tmp_path: Path) -> None:
    ended = run("status", "chat", "--kubeconfig", kubeconfig(tmp_path / "config", "https://127.0.0.1:1"))
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("the API server cannot be reached: ")
    assert "127.0.0.1:1" in ended.err


def test_an_api_server_that_fails_is_quoted(run: Run, tmp_path: Path, stub: HTTPServer) -> None:
    stub.RequestHandlerClass.code = 503  # type: ignore[attr-defined]
    path = kubeconfig(tmp_path / "config", f"http://127.0.0.1:{stub.server_port}")
    ended = run("status", "chat", "--kubeconfig", path)
    assert (ended.status, ended.out) == (2, "")
    assert "who knows (503 Service Unavailable)" in ended.err


def test_a_cluster_without_setpoint_is_said(run: Run, tmp_path: Path, stub: HTTPServer) -> None:
    path = kubeconfig(tmp_path / "config", f"http://127.0.0.1:{stub.server_port}")
    ended = run("status", "chat", "--kubeconfig", path)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("the API server does not know InferenceServices: install Setpoint")


@pytest.fixture
async def crd(api_server: ApiServer) -> None:
    """The API server knows our kinds."""
    for definition in crds():
        await api_server.install_crd(definition)


async def asked(run: Run, path: Path | str, *arguments: str) -> Ended:
    """How the command ends, beside the loop that runs the test."""
    return await asyncio.to_thread(run, "status", *arguments, "--kubeconfig", str(path))


@pytest.mark.apiserver
@pytest.mark.usefixtures("crd")
async def test_a_broken_promise_is_told_with_its_limits_and_what_was_done(
    api_server: ApiServer, kube: KubeClient, namespace: str, run: Run
) -> None:
    async with tuned(api_server, kube, namespace) as it:
        it.engine.now = time.time() - 120
        await it.cycles(3)
        await it.cycles(3, bad_share=0.2)
        ended = await asked(run, api_server.kubeconfig, "chat", "-n", namespace)

    assert (ended.status, ended.err) == (1, "")
    text = " ".join(ended.out.split())
    assert "Serving yes, since" in text
    assert "chat-1 routable" in text
    assert "Promise NOT KEPT, since" in text
    assert "maxNumBatchedTokens 1024" in text
    assert "lent until" in text
    assert "SmallerBudget: maxNumBatchedTokens start -> 1024" in text
    assert "Next Missed: Auto is at it" in text


@pytest.mark.apiserver
@pytest.mark.usefixtures("crd")
async def test_a_kept_promise_is_told_as_json_too(
    api_server: ApiServer, kube: KubeClient, namespace: str, run: Run
) -> None:
    async with tuned(api_server, kube, namespace) as it:
        await it.cycles(4, bad_share=0.01)
        ended = await asked(run, api_server.kubeconfig, "chat", "-n", namespace, "--json")

    assert (ended.status, ended.err) == (0, "")
    content = json.loads(ended.out)
    assert content["is_well"]
    assert [each["name"] for each in content["pods"]] == ["chat-1"]
    assert content["objectives"][0]["verdict"] == "Kept"


@pytest.mark.apiserver
@pytest.mark.usefixtures("crd")
async def test_a_name_that_is_not_there_is_answered_by_those_that_are_near(
    api_server: ApiServer, kube: KubeClient, namespace: str, run: Run
) -> None:
    for name in ("chat-small", "summaries"):
        of = service(namespace)
        of["metadata"]["name"] = name
        await create(kube, of)
    ended = await asked(run, api_server.kubeconfig, "chat-smal", "-n", namespace)
    message = f"there is no infsvc 'chat-smal' in namespace {namespace!r}: there is chat-small, of 2\n"
    assert ended == Ended(2, "", message)


@pytest.mark.apiserver
@pytest.mark.usefixtures("crd")
async def test_a_service_of_another_namespace_is_answered_by_that(
    api_server: ApiServer, kube: KubeClient, namespace: str, run: Run
) -> None:
    of = service(namespace)
    of["metadata"]["name"] = f"chat-{namespace}"
    await create(kube, of)
    other = await api_server.create_namespace()
    ended = await asked(run, api_server.kubeconfig, f"chat-{namespace}", "-n", other)
    assert ended.status == 2
    assert ended.err.endswith(f"there is none at all; name another namespace by -n: {namespace}\n")


@pytest.mark.apiserver
async def test_who_is_not_known_is_told_to_log_in(
    api_server: ApiServer, namespace: str, run: Run, tmp_path: Path
) -> None:
    path = kubeconfig(tmp_path / "config", api_server.url, namespace, token="expired")
    ended = await asked(run, path, "chat")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("the API server does not know you: log in again")


@pytest.mark.apiserver
async def test_who_may_not_read_the_service_is_told_so(
    api_server: ApiServer, namespace: str, run: Run, tmp_path: Path
) -> None:
    path = kubeconfig(tmp_path / "config", api_server.url, namespace)
    ended = await asked(run, path, "chat")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith(f"you may not read infsvc in namespace {namespace!r}: ")
    assert "system:anonymous" in ended.err


@pytest.mark.apiserver
@pytest.mark.usefixtures("crd")
async def test_who_may_read_the_service_alone_is_told_what_stands_in_it_and_what_is_left_out(
    api_server: ApiServer, kube: KubeClient, namespace: str, run: Run, tmp_path: Path
) -> None:
    await create(kube, service(namespace))
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "Routable",
        "message": "1 pods are routable, 1 wanted",
        "lastTransitionTime": "2026-11-28T00:12:00Z",
        "observedGeneration": 1,
    }
    await set_status(
        kube, INFERENCE_SERVICES, "chat", namespace, {"observedGeneration": 1, "conditions": [ready]}
    )
    await let_anybody_read_services(kube, namespace)
    ended = await asked(run, kubeconfig(tmp_path / "config", api_server.url, namespace), "chat")
    assert (ended.status, ended.err) == (0, "")
    assert "1 pods are routable, 1 wanted" in ended.out
    assert f"pods: you may not list pods in namespace {namespace}" in ended.out


async def let_anybody_read_services(kube: KubeClient, namespace: str) -> None:
    rule = {"apiGroups": ["setpoint.dev"], "resources": ["inferenceservices"], "verbs": ["get", "list"]}
    metadata = {"name": "reader", "namespace": namespace}
    await kube.create(
        ROLES,
        namespace,
        {"apiVersion": ROLES.api_version, "kind": "Role", "metadata": metadata, "rules": [rule]},
    )
    binding = {
        "apiVersion": ROLES.api_version,
        "kind": "RoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": ROLES.group, "kind": "Role", "name": "reader"},
        "subjects": [{"apiGroup": ROLES.group, "kind": "User", "name": "system:anonymous"}],
    }
    await kube.create(ROLE_BINDINGS, namespace, binding)
