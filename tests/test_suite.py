"""How the suite deals with what fails, without a cluster and without a test run."""

import sys
from pathlib import Path

import pytest

from e2e import suite
from e2e.clusters import ClusterError


class FakeCluster:
    """A cluster that is never really up."""

    def __init__(self, *, name: str = "kind", found_up: bool = False, comes_up: bool = True) -> None:
        self.name = name
        self.ups = self.downs = 0
        self.has_remains = True
        self._found_up = found_up
        self._comes_up = comes_up

    kubeconfig = kubectl = Path("/nowhere")

    def check(self) -> None:
        """Nothing is missing."""

    def clear_remains(self) -> None:
        self.has_remains = False

    def is_up(self) -> bool:
        return self._found_up

    def up(self) -> None:
        self.ups += 1
        if not self._comes_up:
            raise ClusterError("no room")

    def down(self) -> None:
        self.downs += 1

    def load_image(self, archive: Path, reference: str) -> None:
        """There is nowhere to put it."""


@pytest.fixture(autouse=True)
def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every build and every tier ends at once, and well."""
    monkeypatch.setattr(suite, "BUILDS", dict.fromkeys(suite.BUILDS, lambda: None))
    monkeypatch.setattr(suite, "run", lambda tier: suite.Result(tier, "passed", 0))


def outcomes(cluster: FakeCluster) -> dict[str, str]:
    return {result.tier.name: result.outcome for result in suite.run_all(cluster)}


def fail() -> None:
    raise ClusterError("the registry is away")


def test_a_build_that_fails_keeps_only_the_tiers_that_need_it_from_running(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(suite, "BUILDS", {**suite.BUILDS, "vLLM's image": fail})

    found = outcomes(FakeCluster())

    assert found["build"] == "FAILED: vLLM's image"
    assert found["real vLLM"] == "not run: build failed (vLLM's image)"
    assert found["end to end"] == "passed"


def test_a_tier_of_the_local_provider_is_named_when_the_cluster_is_another() -> None:
    assert outcomes(FakeCluster())["local cluster"] == "not run: the cluster is kind"


def test_a_cluster_that_does_not_come_up_is_a_failure_and_is_taken_down() -> None:
    cluster = FakeCluster(comes_up=False)

    found = outcomes(cluster)

    assert found["cluster up"].startswith("FAILED")
    assert found["end to end"] == "not run: no cluster"
    assert cluster.downs == 1


def test_a_cluster_that_is_up_already_is_not_taken_away() -> None:
    cluster = FakeCluster(found_up=True)

    with pytest.raises(ClusterError, match="make clean"):
        suite.run_all(cluster)
    assert cluster.downs == 0


def test_what_a_killed_run_left_is_taken_away_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = FakeCluster()
    found: list[bool] = []
    monkeypatch.setattr(suite, "BUILDS", {"programs": lambda: found.append(cluster.has_remains)})

    suite.run_all(cluster)

    assert found == [False]


def test_a_tier_ends_at_its_first_command_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    script = "import sys; sys.exit({})"
    commands = tuple((sys.executable, "-c", script.format(code)) for code in (0, 3, 0))

    assert suite.run(suite.Tier("some", commands)).outcome.startswith("FAILED: -c import sys; sys.exit(3)")
