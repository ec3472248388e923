"""The alerts and the configuration, judged by promtool."""

import subprocess
from pathlib import Path

import pytest

from tests.chart import golden, helm, prometheus
from tests.prometheus import built

pytestmark = pytest.mark.prometheus

BEHAVIOUR = Path(__file__).with_name("alerts_test.yaml")


def promtool(*arguments: str | Path) -> str:
    """What promtool says. It must be content."""
    command = [str(built() / "promtool"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_alerts_are_well_formed() -> None:
    assert "3 rules found" in promtool("check", "rules", "--lint=all", "--lint-fatal", prometheus.ALERTS)


def test_the_alerts_speak_when_they_should_and_only_then() -> None:
    assert "SUCCESS" in promtool("test", "rules", BEHAVIOUR)


@pytest.mark.parametrize("values", [prometheus.INSTALLED, golden.EVERYTHING], ids=["installed", "everything"])
def test_the_configuration_is_one(values: helm.Values, tmp_path: Path) -> None:
    for name, text in prometheus.files(helm.render(values)).items():
        (tmp_path / name).write_text(text)
    said = promtool("check", "config", "--lint=all", "--lint-fatal", tmp_path / "prometheus.yaml")
    assert "SUCCESS" in said
