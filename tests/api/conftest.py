"""An API server that knows InferenceServices."""

import pytest

from setpoint.api.crd import inference_service_crd
from setpoint.cli.output import yaml_documents
from tests.api.kubectl import Admission, Kubectl
from tests.apiserver import ApiServer


@pytest.fixture(scope="session")
def kubectl(api_server: ApiServer) -> Kubectl:
    """kubectl, with the CRD established."""
    kubectl = Kubectl(api_server.kubeconfig)
    kubectl(
        "apply",
        "--server-side",
        "--force-conflicts",
        "-f",
        "-",
        stdin=yaml_documents([inference_service_crd()]),
    )
    # Established is not enough: the short name, the schema and the columns reach discovery a little later.
    kubectl.until_done("explain", "infsvc")
    kubectl.until_done("get", "infsvc")
    return kubectl


@pytest.fixture(scope="session")
def admission(api_server: ApiServer, kubectl: Kubectl) -> Admission:
    """Plain requests about InferenceServices."""
    return Admission(api_server)
