"""The CustomResourceDefinitions: names, columns and subresources around the schemas of the models."""

from typing import Any

from pydantic import BaseModel

from setpoint.api.inferenceservice import GROUP, KIND, VERSION, InferenceService, InferenceServiceSpec
from setpoint.api.rules import EXTENSION
from setpoint.api.status import ConditionType, InferenceServiceStatus
from setpoint.api.structural import one_paragraph, structural_schema
from setpoint.api.tuningcheckpoint import CHECKPOINT_KIND, TuningCheckpoint, TuningCheckpointSpec

PLURAL = "inferenceservices"
SHORT_NAME = "infsvc"
CHECKPOINT_PLURAL = "tuningcheckpoints"


def crds() -> list[dict[str, Any]]:
    """Return every CustomResourceDefinition of this group."""
    return [inference_service_crd(), tuning_checkpoint_crd()]


def inference_service_crd() -> dict[str, Any]:
    """Return the CustomResourceDefinition (apiextensions.k8s.io/v1) of InferenceService."""
    return _definition(
        {
            **_names(KIND, PLURAL),
            "shortNames": [SHORT_NAME],
            # In `all` too: else `kubectl delete all --all` would delete children that come back at once.
            "categories": ["all", "setpoint"],
        },
        {
            **_object_schema(KIND, InferenceService, InferenceServiceSpec, InferenceServiceStatus),
            EXTENSION: [rule.to_schema() for rule in InferenceService.rules],
        },
        columns=_service_columns(),
        subresources={
            "status": {},
            "scale": {
                "specReplicasPath": ".spec.replicas",
                "statusReplicasPath": ".status.replicas",
                "labelSelectorPath": ".status.selector",
            },
        },
    )


def tuning_checkpoint_crd() -> dict[str, Any]:
    """Return the CustomResourceDefinition of TuningCheckpoint."""
    limits = ".spec.limits"
    return _definition(
        {**_names(CHECKPOINT_KIND, CHECKPOINT_PLURAL), "categories": ["setpoint"]},
        _object_schema(CHECKPOINT_KIND, TuningCheckpoint, TuningCheckpointSpec),
        columns=[
            _column("Tokens", f"{limits}.maxNumBatchedTokens", "Tokens of one step", type_="integer"),
            _column("Seqs", f"{limits}.maxNumSeqs", "Requests that run at once", type_="integer"),
            _column("Queued", f"{limits}.maxQueuedTokens", "Prompt tokens that may queue", type_="integer"),
            _column("Expires", ".spec.expires", "End of the limits' lease"),
            _AGE,
        ],
    )


def _definition(
    names: dict[str, Any],
    schema: dict[str, Any],
    *,
    columns: list[dict[str, Any]],
    subresources: dict[str, Any] | None = None,
) -> dict[str, Any]:
    version = {"name": VERSION, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    if subresources:
        version["subresources"] = subresources
    version["additionalPrinterColumns"] = columns
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{names['plural']}.{GROUP}"},
        "spec": {"group": GROUP, "names": names, "scope": "Namespaced", "versions": [version]},
    }


def _names(kind: str, plural: str) -> dict[str, str]:
    return {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()}


def _object_schema(
    kind: str, model: type[BaseModel], spec: type[BaseModel], status: type[BaseModel] | None = None
) -> dict[str, Any]:
    return {
        "type": "object",
        "description": one_paragraph(model.__doc__ or ""),
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": f"{GROUP}/{VERSION}."},
            "kind": {"type": "string", "description": f"{kind}."},
            # Declared, so that a rule on the name can say where the fault is.
            "metadata": {"type": "object", "properties": {"name": {"type": "string"}}},
            "spec": structural_schema(spec),
            **({"status": structural_schema(status)} if status else {}),
        },
    }


def _service_columns() -> list[dict[str, Any]]:
    ready = _condition(ConditionType.READY, "status")
    slo_met, tuning = _condition(ConditionType.SLO_MET, "reason"), _condition(ConditionType.TUNING, "reason")
    progressing = _condition(ConditionType.PROGRESSING, "reason")
    return [
        _column("Ready", ready, "Whether at least one pod is routable"),
        _column("Replicas", ".status.replicaSummary", "Routable pods of wanted pods"),
        _column("SLO", slo_met, "Whether the promise is kept, or why that is not known"),
        _column("Tuning", tuning, "What is done about it"),
        _AGE,
        _column("Model", ".spec.model.uri", "What is served", wide=True),
        _column("Good", ".status.tuning.goodShare", "Share of the requests that met the promise", wide=True),
        _column("Mode", ".spec.tuning.mode", "Whether limits may be moved", wide=True),
        _column("URL", ".status.url", "Base URL of the OpenAI-compatible API", wide=True),
        _column("Reason", progressing, "How far the rollout of the newest spec is", wide=True),
    ]


_AGE = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}


def _condition(kind: ConditionType, field: str) -> str:
    return f'.status.conditions[?(@.type=="{kind}")].{field}'


def _column(
    name: str, json_path: str, description: str, *, wide: bool = False, type_: str = "string"
) -> dict[str, Any]:
    column = {"name": name, "type": type_, "jsonPath": json_path, "description": description}
    return column | {"priority": 1} if wide else column
