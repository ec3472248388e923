from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e import demo, tools
from e2e.clusters import ClusterError, choose
from e2e.installation import Kubectl
from setpoint.api.crd import crds
from tests.apiserver import ApiServer, find_binaries


def test_a_second_demo_on_one_cluster_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.touch()

    with (
        demo.alone_on(kubeconfig),
        pytest.raises(ClusterError, match=f"another demo is at work on the cluster of {kubeconfig}"),
        demo.alone_on(kubeconfig),
    ):
        pass
    with demo.alone_on(kubeconfig):
        pass


def test_the_last_words_claim_no_more_of_an_existing_cluster_than_is_true(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "kubeconfig").touch()
    (tmp_path / "kubectl").touch(mode=0o755)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(tools, "helm", lambda: "helm")

    demo.tell_how_to_go_on(choose("existing"))

    said = capsys.readouterr().err
    assert "takes away everything" not in said
    assert "helm uninstall setpoint -n setpoint-system\n" in said
    assert "kubectl delete crd/inferenceservices.setpoint.dev crd/tuningcheckpoints.setpoint.dev\n" in said
    # The mark goes last: until then the next demo knows the rest as its own.
    assert said.endswith("kubectl delete namespace hub fake-gpu setpoint-system demo\n")


@pytest.fixture
def kubectl(api_server: ApiServer, tmp_path: Path) -> Iterator[Kubectl]:
    """A cluster that nobody has touched, where one is built at all."""
    directory = find_binaries()
    assert directory is not None
    (tmp_path / "kubectl").symlink_to(directory / "node")
    with ApiServer(directory) as untouched:
        yield Kubectl(tmp_path / "kubectl", untouched.kubeconfig)


CLUSTER_ROLE = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {"name": "fake-gpu"},
    "rules": [],
}


def named(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


@pytest.mark.apiserver
def test_a_demo_leaves_a_cluster_alone_that_has_things_of_its_names(kubectl: Kubectl) -> None:
    kubectl.apply(*crds(), CLUSTER_ROLE, named("setpoint-system"), named("demo"))
    before = kubectl.get("namespaces")["items"]

    with pytest.raises(ClusterError, match="not by this demo") as raised:
        demo.claim(kubectl)

    definitions = [crd["metadata"]["name"] for crd in crds()]
    for theirs in (*definitions, "fake-gpu", "setpoint-system", "demo"):
        assert f"/{theirs}, " in str(raised.value)
    assert kubectl.get("namespaces")["items"] == before


@pytest.mark.apiserver
def test_a_demo_goes_on_where_it_has_been_before(kubectl: Kubectl) -> None:
    demo.claim(kubectl)
    kubectl.apply(demo.namespace(), named("hub"), CLUSTER_ROLE)

    demo.claim(kubectl)
