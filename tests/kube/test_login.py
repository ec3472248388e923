from pathlib import Path

import pytest
from kubernetes.aio.config import ConfigException

from setpoint.kube.client import KubeClient
from setpoint.kube.login import Contexts, contexts_of
from tests.apiserver import NAMESPACES, ApiServer


@pytest.mark.apiserver
async def test_outside_a_pod_the_kubeconfig_of_the_environment_is_used(
    api_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(api_server.kubeconfig))
    async with KubeClient.from_environment() as client:
        assert await client.get(NAMESPACES, None, "default")


@pytest.mark.apiserver
async def test_without_that_variable_the_kubeconfig_of_the_home_directory_is_used(
    api_server: ApiServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text(api_server.kubeconfig.read_text())
    async with KubeClient.from_environment() as client:
        assert await client.get(NAMESPACES, None, "default")


async def test_no_credentials_at_all_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    async with KubeClient.from_environment() as client:
        with pytest.raises(ConfigException):
            await client.get(NAMESPACES, None, "default")


def test_the_contexts_of_several_files_are_put_together(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text(
        "contexts: [{name: prod, context: {cluster: prod, namespace: team-a}}]\ncurrent-context: prod\n"
    )
    second.write_text("contexts: [{name: lab, context: {cluster: lab}}]\n")
    assert contexts_of(f"{first}:{second}") == Contexts({"prod": "team-a", "lab": None}, "prod")


@pytest.mark.parametrize("content", ["", "[]", "text", "contexts: 5", "contexts: [{name: prod}]", "{", "\0"])
def test_what_is_no_kubeconfig_is_said(tmp_path: Path, content: str) -> None:
    path = tmp_path / "config"
    path.write_text(content)
    with pytest.raises(ConfigException, match=f"{path} is no kubeconfig"):
        contexts_of(str(path))


def test_a_kubeconfig_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigException, match="there is no file"):
        contexts_of(str(tmp_path / "config"))
