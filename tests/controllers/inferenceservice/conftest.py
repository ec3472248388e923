import pytest

from setpoint.api.crd import crds
from tests.apiserver import ApiServer


@pytest.fixture
async def crd(api_server: ApiServer) -> None:
    """The API server knows our kinds."""
    for definition in crds():
        await api_server.install_crd(definition)
