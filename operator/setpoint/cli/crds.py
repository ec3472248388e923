"""`setpoint crds`: the CustomResourceDefinitions as YAML."""

from typing import Any

from setpoint.api.crd import crds
from setpoint.cli.output import yaml_documents

_HEADER = "# Written by `make generate` from the models in operator/setpoint/api: change those, not this.\n"


def crds_yaml() -> str:
    """Return all CustomResourceDefinitions as YAML documents."""
    return _HEADER + yaml_documents(crds())


def crd_files() -> dict[str, str]:
    """Return the text of each CustomResourceDefinition by the name of its file."""
    return {_file_name(crd): _HEADER + yaml_documents([crd]) for crd in crds()}


def _file_name(crd: dict[str, Any]) -> str:
    return f"{crd['spec']['group']}_{crd['spec']['names']['plural']}.yaml"
