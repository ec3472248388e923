"""The files of this repository that are written from the package's code, all in one place."""

import json

from setpoint.api.reference import inference_service_reference, tuning_checkpoint_reference
from setpoint.cli.crds import crd_files
from setpoint.kube.permissions import rules_template
from setpoint.loadgen.report import SCHEMA, Report


def files() -> dict[str, str]:
    """Return the text of each generated file, by its path from the repository's root."""
    return {
        **{f"crds/{name}": text for name, text in crd_files().items()},
        "docs/reference/inferenceservice.md": inference_service_reference(),
        "docs/reference/tuningcheckpoint.md": tuning_checkpoint_reference(),
        "docs/reference/loadtest-report.schema.json": _report_schema(),
        # Helm installs what stands in a chart's own crds/, and never upgrades or deletes it.
        **{f"charts/setpoint/crds/{name}": text for name, text in crd_files().items()},
        "charts/setpoint/templates/_rules.tpl": rules_template(),
    }


def _report_schema() -> str:
    """Return the JSON Schema of a load test's report."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"https://{SCHEMA}"}
    return json.dumps({**dialect, **Report.model_json_schema(mode="serialization")}, indent=2) + "\n"
