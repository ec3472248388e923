"""When an image is built, and what of it is kept."""

import os
from pathlib import Path

import pytest

from e2e.clusters.cluster import ClusterError
from e2e.clusters.progress import Progress
from e2e.images import recipe as recipes
from e2e.images.recipe import Image, Recipe, build


class RecordingBuilder:
    """Writes the context's files instead of an image."""

    name = "recorder"

    def __init__(self, *, fails: bool = False) -> None:
        self.contexts: list[list[str]] = []
        self._fails = fails

    def build(
        self,
        context: Path,
        dockerfile: Path,  # noqa: ARG002
        reference: str,
        archive: Path,
        progress: Progress,  # noqa: ARG002
    ) -> None:
        """Remember what a build would have seen."""
        self.contexts.append(sorted(str(path.relative_to(context)) for path in context.rglob("*.py")))
        archive.write_text(reference)
        if self._fails:
            raise ClusterError("the build failed")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small repository with a recipe's inputs, and an empty cache beside it."""
    top = tmp_path / "repository"
    for name in ("Dockerfile", "source/a.py", "source/__pycache__/a.pyc", "other.py"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(name)
    monkeypatch.setattr(recipes, "ROOT", top)
    monkeypatch.setattr(recipes, "CACHE", tmp_path / "cache")
    return top


@pytest.fixture
def builder(monkeypatch: pytest.MonkeyPatch) -> RecordingBuilder:
    return use(monkeypatch, RecordingBuilder())


def use(monkeypatch: pytest.MonkeyPatch, builder: RecordingBuilder) -> RecordingBuilder:
    monkeypatch.setattr(recipes, "choose", lambda: builder)
    return builder


RECIPE = Recipe("thing", Path("Dockerfile"), ("source",))


@pytest.mark.usefixtures("repository")
def test_a_build_sees_its_inputs_and_nothing_else(builder: RecordingBuilder) -> None:
    image = build(RECIPE)
    assert builder.contexts == [["source/a.py"]]
    assert image.tar.read_text() == image.reference
    assert image.reference.startswith("localhost/thing:")


@pytest.mark.usefixtures("repository")
def test_an_unchanged_image_is_not_built_again(builder: RecordingBuilder) -> None:
    assert build(RECIPE) == build(RECIPE)
    assert len(builder.contexts) == 1


@pytest.mark.parametrize("changed", ["source/a.py", "Dockerfile"])
def test_a_changed_input_makes_another_image(
    repository: Path, builder: RecordingBuilder, changed: str
) -> None:
    first = build(RECIPE)
    (repository / changed).write_text("changed")
    assert build(RECIPE).reference != first.reference


def test_what_is_no_input_makes_no_other_image(repository: Path, builder: RecordingBuilder) -> None:
    first = build(RECIPE)
    (repository / "other.py").write_text("changed")
    (repository / "source/__pycache__/a.pyc").write_text("changed")
    assert build(RECIPE) == first


def test_only_the_newest_archives_are_kept(repository: Path, builder: RecordingBuilder) -> None:
    images: list[Image] = []
    for number in range(4):
        (repository / "source/a.py").write_text(str(number))
        images.append(build(RECIPE))
        os.utime(images[-1].tar, (number, number))
    assert [image.tar.exists() for image in images] == [False, False, True, True]


@pytest.mark.usefixtures("repository")
def test_a_failed_build_leaves_no_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    failing = use(monkeypatch, RecordingBuilder(fails=True))
    with pytest.raises(ClusterError, match="the build failed"):
        build(RECIPE)
    use(monkeypatch, RecordingBuilder())
    assert build(RECIPE).tar.exists()
    assert len(failing.contexts) == 1


def test_a_build_removes_what_a_killed_one_left(repository: Path, builder: RecordingBuilder) -> None:
    left = repository.parent / "cache/context-killed"
    left.mkdir(parents=True)
    (left / "file").touch()
    build(RECIPE)
    assert not left.exists()
