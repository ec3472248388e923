import pytest

from setpoint.api.crd import inference_service_crd
from tests.apiserver import ApiServer


@pytest.fixture
async def crd(api_server: ApiServer) -> None:
    """The API server knows InferenceService."""
    await api_server.install_crd(inference_service_crd())
