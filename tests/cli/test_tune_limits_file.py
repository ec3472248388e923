"""The limits file of `setpoint tune`: links are followed, and nothing but a limits file is overwritten."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from setpoint.cli.documents import DocumentError
from setpoint_vllm.limits_file import parse
from tests.cli.engines import FakeEngine, serving
from tests.cli.looks import Looks


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    with serving(FakeEngine(tmp_path / "limits.json")) as engine:
        yield engine


@pytest.mark.parametrize("before", ['{"generation": 7, "limits": {}}', "", None])
def test_of_a_link_the_file_that_it_names_is_written(
    engine: FakeEngine, tmp_path: Path, before: str | None
) -> None:
    target = tmp_path / "elsewhere" / "limits.json"
    target.parent.mkdir()
    if before is not None:
        target.write_text(before)
    engine.path.symlink_to("elsewhere/limits.json")
    looks = Looks(engine)
    looks.begin()
    looks.look()
    assert engine.path.is_symlink()
    assert parse(target.read_text()).generation == (8 if before else 1)
    assert list(target.parent.iterdir()) == [target]


def test_a_link_into_a_folder_that_is_not_there_is_refused(engine: FakeEngine, tmp_path: Path) -> None:
    engine.path.symlink_to("absent/limits.json")
    looks = Looks(engine)
    looks.begin()
    with pytest.raises(DocumentError, match=r"limits\.json cannot be written: No such file or directory"):
        looks.look()


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"a: 1\n", "Expecting value"),
        (b"x" * 10_000_000, "it is longer than 65536 characters"),
        (b"\xff\xfe", "it is not UTF-8"),
        (b"{}", "'generation' is missing"),
        (b"[]", "it is not of the form that the limits file has"),
    ],
    ids=["yaml", "large", "binary", "object", "list"],
)
def test_what_is_no_limits_file_is_refused_and_kept(engine: FakeEngine, content: bytes, fault: str) -> None:
    engine.path.write_bytes(content)
    with pytest.raises(DocumentError) as refused:
        Looks(engine).begin()
    assert f"{engine.path} is no limits file: {fault}" in str(refused.value)
    assert "name the file that the engine was started with, and remove what" in str(refused.value)
    assert engine.path.read_bytes() == content


def test_an_empty_file_becomes_a_limits_file(engine: FakeEngine) -> None:
    engine.path.write_text("\n")
    looks = Looks(engine)
    looks.begin()
    looks.look()
    assert parse(engine.path.read_text()).generation == 1
