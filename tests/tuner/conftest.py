import pytest

from tests.tuner.builders import Tuned


@pytest.fixture
def tuned() -> Tuned:
    tuned = Tuned()
    tuned.begin()
    return tuned


@pytest.fixture
def lowered() -> Tuned:
    """The token budget was just halved."""
    tuned = Tuned()
    assert tuned.lower().is_applied
    return tuned
