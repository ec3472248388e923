"""Where Helm and kubectl come from."""

from pathlib import Path

import pytest

from e2e import tools
from e2e.clusters.cluster import ClusterError


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH, and an empty cache on a machine that cannot fetch."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    monkeypatch.setattr(tools, "CACHE", tmp_path / "cache")
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    return tmp_path


def program(path: Path, prints: str) -> Path:
    """Put a program there that prints this."""
    path.write_text(f"#!/bin/sh\necho '{prints}'\n")
    path.chmod(0o755)
    return path


def test_a_tool_that_is_installed_and_new_enough_is_used(path: Path) -> None:
    helm = program(path / "helm", "v4.0.0+g1234567")
    kubectl = program(path / "kubectl", "Client Version: v1.36.2")
    assert tools.helm() == helm
    assert tools.kubectl() == kubectl


@pytest.mark.parametrize("version", ["v3.19.0", "none that it knows"])
def test_an_unfit_helm_is_refused_with_the_remedy_where_none_can_be_fetched(path: Path, version: str) -> None:
    program(path / "helm", version)
    with pytest.raises(ClusterError, match=r"helm is missing or too old .* install it"):
        tools.helm()


def test_an_old_kubectl_is_refused(path: Path) -> None:
    program(path / "kubectl", "Client Version: v1.32.4-dispatcher")
    with pytest.raises(ClusterError, match="kubectl"):
        tools.kubectl()


def test_what_was_fetched_before_is_used(path: Path) -> None:
    fetched = path / "cache" / tools.PACKAGE.version
    fetched.mkdir(parents=True)
    assert tools.helm() == fetched / "helm"
