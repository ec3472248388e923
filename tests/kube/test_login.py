from pathlib import Path

import pytest
from kubernetes.aio.config import ConfigException

from setpoint.kube.client import KubeClient
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
