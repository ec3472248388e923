from pathlib import Path

import pytest

from e2e import demo, tools
from e2e.clusters import ClusterError, choose


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
    assert "kubectl delete namespace demo hub fake-gpu\n" in said
    assert "helm uninstall setpoint -n setpoint-system\n" in said
