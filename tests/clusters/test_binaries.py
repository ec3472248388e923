from dataclasses import replace
from pathlib import Path

import pytest

from e2e.clusters.local.binaries import Target, cache_key, kubernetes_version, targets

TARGET = Target("it", "module", (".",), ("-tags", "a"), "it")


@pytest.fixture(name="sources")
def _sources(tmp_path: Path) -> Path:
    (tmp_path / "module").mkdir()
    (tmp_path / "module/go.sum").write_text("example.com v1.0.0 h1:x\n")
    return tmp_path


def test_the_key_is_the_same_for_the_same_sources(sources: Path) -> None:
    before = cache_key(sources, (TARGET,), "go1")
    (sources / "module/go.sum").touch()
    assert cache_key(sources, (TARGET,), "go1") == before


def test_the_key_changes_with_whatever_shapes_the_programs(sources: Path) -> None:
    seen = {cache_key(sources, (TARGET,), "go1"), cache_key(sources, (TARGET,), "go2")}
    seen.add(cache_key(sources, (replace(TARGET, flags=("-tags", "b")),), "go1"))
    (sources / "module/go.sum").write_text("example.com v1.0.1 h1:y\n")
    seen.add(cache_key(sources, (TARGET,), "go1"))
    (sources / "module/main.go").write_text("package main\n")
    seen.add(cache_key(sources, (TARGET,), "go1"))
    assert len(seen) == 5


def test_kubernetes_is_stamped_with_the_version_of_its_lock_file() -> None:
    flags = next(target.flags for target in targets() if target.module == "node")
    assert f"gitVersion={kubernetes_version()}" in flags[1]
    assert "gitMajor=1 " in flags[1]
