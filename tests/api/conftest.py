"""An API server that knows the custom resources."""

import pytest

from setpoint.api.crd import crds
from setpoint.cli.output import yaml_documents
from tests.api.kubectl import Admission, Kubectl
from tests.apiserver import ApiServer


@pytest.fixture(scope="session")
def kubectl(api_server: ApiServer) -> Kubectl:
    """kubectl, with the CRDs established."""
    kubectl = Kubectl(api_server.kubeconfig)
    kubectl(
        "apply",
        "--server-side",
        "--force-conflicts",
        "-f",
        "-",
        stdin=yaml_documents(crds()),
    )
    # Established is not enough: the short name, the schema and the columns reach discovery a little later.
    kubectl.until_done("explain", "infsvc")
    kubectl.until_done("get", "infsvc")
    kubectl.until_done("get", "tuningcheckpoints")
    return kubectl


@pytest.fixture(scope="session")
def admission(api_server: ApiServer, kubectl: Kubectl) -> Admission:
    """Plain requests about InferenceServices."""
    return Admission(api_server)
