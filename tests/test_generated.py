import sys
from pathlib import Path

import pytest

from e2e import generated

FILES = {"crds/a.yaml": "a: 1\n", "tests/golden/b.yaml": "b: 1\n"}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout in which both files are as generated."""
    monkeypatch.setattr(generated, "ROOT", tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_files_as_generated_do_not_differ(root: Path) -> None:
    assert generated.differing(FILES) == []


def test_a_generated_file_that_was_edited_by_hand_is_named(root: Path) -> None:
    (root / "crds/a.yaml").write_text("a: 2\n")

    assert generated.differing(FILES) == ["crds/a.yaml"]


def test_a_generated_file_that_is_missing_is_named(root: Path) -> None:
    (root / "crds/a.yaml").unlink()

    assert generated.differing(FILES) == ["crds/a.yaml"]


@pytest.mark.parametrize("stray", ["tests/golden/old.yaml", "crds/old.yaml"])
def test_a_file_that_nothing_generates_any_more_is_named(root: Path, stray: str) -> None:
    (root / stray).write_text("")

    assert generated.differing(FILES) == [stray]


def test_a_check_says_how_it_ended(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generated, "files", lambda: FILES)
    monkeypatch.setattr(sys, "argv", ["generated", "--check"])

    assert generated.main() == 0
    assert "2 generated files are up to date" in "".join(capsys.readouterr())

    (root / "crds/a.yaml").write_text("a: 2\n")
    assert generated.main() == 1
    assert "crds/a.yaml: is not what the code generates" in "".join(capsys.readouterr())
