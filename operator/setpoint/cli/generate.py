"""The files of this repository that are written from the package's code, all in one place."""

from setpoint.api.reference import inference_service_reference
from setpoint.cli.crds import crds_yaml
from setpoint.kube.permissions import rules_template

_CRD_FILE = "setpoint.dev_inferenceservices.yaml"


def files() -> dict[str, str]:
    """Return the text of each generated file, by its path from the repository's root."""
    return {
        f"crds/{_CRD_FILE}": crds_yaml(),
        "docs/reference/inferenceservice.md": inference_service_reference(),
        # Helm installs what stands in a chart's own crds/, and never upgrades or deletes it.
        f"charts/setpoint/crds/{_CRD_FILE}": crds_yaml(),
        "charts/setpoint/templates/_rules.tpl": rules_template(),
    }
