"""Fixtures of the simulator's HTTP tests."""

from pathlib import Path

import pytest

from tests.simulator.http.server import tiny_model


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model."""
    return tiny_model(tmp_path_factory.mktemp("model"))
