"""`setpoint crds`: the CustomResourceDefinitions as YAML."""

from setpoint.api.crd import inference_service_crd
from setpoint.cli.output import yaml_documents

_HEADER = "# Written by `make generate` from the models in operator/setpoint/api: change those, not this.\n"


def crds_yaml() -> str:
    """Return all CustomResourceDefinitions as YAML documents."""
    return _HEADER + yaml_documents([inference_service_crd()])
