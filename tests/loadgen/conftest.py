from collections.abc import Iterator

import pytest

from tests.loadgen.endpoint import FakeEndpoint, running


@pytest.fixture
def endpoint() -> Iterator[FakeEndpoint]:
    """A running endpoint that behaves until told otherwise."""
    with running(FakeEndpoint()) as endpoint:
        yield endpoint
