import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.clusters import ClusterError, choose, packages
from e2e.clusters.__main__ import main

Install = Callable[[str, str], None]


@pytest.fixture(name="install")
def _install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put programs of a few shell lines on PATH, before a PATH of the basics only."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", f"{directory}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))

    def install(name: str, script: str) -> None:
        (directory / name).write_text(f'#!/bin/sh\necho "{name} $*" >>"$CALLS"\n{script}\n')
        (directory / name).chmod(0o755)

    return install


def calls() -> list[str]:
    return Path(os.environ["CALLS"]).read_text().splitlines()


def test_an_unknown_provider_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ClusterError, match="'minikube' is unknown: use one of existing, kind, local"):
        choose("minikube")


def test_kind_is_chosen_where_it_and_a_docker_daemon_are_there(install: Install) -> None:
    install("kind", "")
    install("docker", "exit 0")
    assert choose().name == "kind"


def test_local_is_chosen_where_no_docker_daemon_answers(
    install: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "kubeconfig").touch()
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    install("kind", "")
    install("docker", "exit 1")
    assert choose().name == "local"


def test_existing_wants_a_kubeconfig_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nowhere")
    with pytest.raises(ClusterError, match="KUBECONFIG '/nowhere' is not a file"):
        choose("existing").up()


def test_existing_says_when_its_cluster_does_not_answer(
    install: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "kubeconfig").touch()
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    install("kubectl", "exit 1")
    with pytest.raises(ClusterError, match="does not answer"):
        choose("existing").up()


def test_kind_makes_loads_and_deletes_its_own_cluster_only(install: Install, tmp_path: Path) -> None:
    install("kubectl", "exit 1")
    install("kind", "")
    cluster = choose("kind")
    cluster.up()
    cluster.load_image(tmp_path / "image.tar", "localhost/it:1")
    cluster.down()
    kubeconfig = tmp_path / "state/setpoint-e2e/kubeconfig"
    assert calls() == [
        "kind get clusters",
        f"kind create cluster --name setpoint-e2e --kubeconfig {kubeconfig} --wait 180s",
        f"kind load image-archive {tmp_path}/image.tar --name setpoint-e2e",
        f"kind delete cluster --name setpoint-e2e --kubeconfig {kubeconfig}",
    ]


def test_a_kind_cluster_that_does_not_come_up_is_deleted(install: Install) -> None:
    install("kubectl", "exit 1")
    install("kind", '[ "$1" != create ]')
    with pytest.raises(ClusterError, match="kind create cluster ended with status 1"):
        choose("kind").up()
    assert calls()[-1].startswith("kind delete cluster")


def test_a_missing_program_is_installed_from_its_package(
    install: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(packages, "SEARCH_PATH", str(tmp_path / "bin"))
    install("apt-get", 'case "$*" in *" install "*) cp "$0" "${0%/*}/no-such-program";; esac')
    packages.ensure({"no-such-program": "its-package"})
    assert calls() == ["apt-get -y -q --no-install-recommends install its-package"]


def test_package_lists_are_updated_when_the_first_try_fails(
    install: Install, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(packages, "SEARCH_PATH", str(tmp_path / "bin"))
    install("apt-get", "echo no network; exit 100")
    with pytest.raises(ClusterError, match=r"install the equivalents of Debian's its-package\nno network"):
        packages.ensure({"no-such-program": "its-package"})
    assert [call.split()[4] for call in calls()] == ["install", "update", "install"]


def test_without_apt_the_packages_to_install_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "SEARCH_PATH", "/nowhere")
    with pytest.raises(ClusterError, match=r"runc not found and this is no Debian: install .* runc"):
        packages.ensure({"runc": "runc"})


def test_the_environment_names_the_provider_and_is_named_when_it_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SETPOINT_CLUSTER", "minikube")
    monkeypatch.setattr(sys, "argv", ["e2e.clusters", "down"])
    # What it sets for signals is this process's.
    monkeypatch.setattr("e2e.clusters.__main__.unwind_when_told_to_end", lambda: None)
    assert main() == 1
    assert "SETPOINT_CLUSTER 'minikube' is unknown" in capsys.readouterr().err
