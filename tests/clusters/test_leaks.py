import json
from pathlib import Path

import pytest

from e2e.clusters import leaks


def machine(**topics: list[str]) -> leaks.Snapshot:
    return {"mounts": [], "iptables": [], "processes": []} | topics


def test_the_same_machine_has_no_differences() -> None:
    assert leaks.compare(machine(mounts=["a", "a"]), machine(mounts=["a", "a"])) == []


def test_what_came_and_what_went_is_named_with_its_topic() -> None:
    differences = leaks.compare(machine(mounts=["a", "b", "b"]), machine(mounts=["b", "c"]))
    assert differences == ["mounts: + c", "mounts: - a", "mounts: - b"]


def test_another_order_of_firewall_rules_is_a_difference() -> None:
    differences = leaks.compare(machine(iptables=["-A x", "-A y"]), machine(iptables=["-A y", "-A x"]))
    assert differences == ["iptables: the order changed"]


def test_a_snapshot_survives_being_written_to_a_file() -> None:
    snapshot = leaks.snapshot()
    assert json.loads(json.dumps(snapshot)) == snapshot
    assert any(line.startswith("kernel/panic = ") for line in snapshot["sysctls"])
    assert any(" / / " in line for line in snapshot["mounts"])


def test_the_command_lists_differences_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "before").write_text(json.dumps(machine(mounts=["a"])))
    monkeypatch.setattr(leaks, "snapshot", machine)
    monkeypatch.setattr("sys.argv", ["leaks", "compare", str(tmp_path / "before")])
    assert leaks.main() == 1
    assert capsys.readouterr().out == "mounts: - a\n"
