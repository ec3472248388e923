"""The CustomResourceDefinition of InferenceService: names, columns and subresources around its schema."""

from typing import Any

from setpoint.api.inferenceservice import GROUP, KIND, VERSION, InferenceService, InferenceServiceSpec
from setpoint.api.rules import EXTENSION
from setpoint.api.status import InferenceServiceStatus
from setpoint.api.structural import one_paragraph, structural_schema

PLURAL = "inferenceservices"
SINGULAR = "inferenceservice"
SHORT_NAME = "infsvc"


def inference_service_crd() -> dict[str, Any]:
    """Return the CustomResourceDefinition (apiextensions.k8s.io/v1) of InferenceService."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": SINGULAR,
                "shortNames": [SHORT_NAME],
                # In `all` too: else `kubectl delete all --all` would delete children that come back at once.
                "categories": ["all", "setpoint"],
            },
            "scope": "Namespaced",
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": _object_schema()},
                    "subresources": {
                        "status": {},
                        "scale": {
                            "specReplicasPath": ".spec.replicas",
                            "statusReplicasPath": ".status.replicas",
                            "labelSelectorPath": ".status.selector",
                        },
                    },
                    "additionalPrinterColumns": _columns(),
                }
            ],
        },
    }


def _object_schema() -> dict[str, Any]:
    return {
        "type": "object",
        "description": one_paragraph(InferenceService.__doc__ or ""),
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": f"{GROUP}/{VERSION}."},
            "kind": {"type": "string", "description": f"{KIND}."},
            # Declared, so that the rule on the name can say where the fault is.
            "metadata": {"type": "object", "properties": {"name": {"type": "string"}}},
            "spec": structural_schema(InferenceServiceSpec),
            "status": structural_schema(InferenceServiceStatus),
        },
        EXTENSION: [rule.to_schema() for rule in InferenceService.rules],
    }


def _columns() -> list[dict[str, Any]]:
    ready = '.status.conditions[?(@.type=="Ready")].status'
    progressing = '.status.conditions[?(@.type=="Progressing")].reason'
    return [
        _column("Ready", ready, "Whether at least one pod is routable"),
        _column("Replicas", ".status.replicaSummary", "Routable pods of wanted pods"),
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
        _column("Model", ".spec.model.uri", "What is served", wide=True),
        _column("URL", ".status.url", "Base URL of the OpenAI-compatible API", wide=True),
        _column("Reason", progressing, "How far the rollout of the newest spec is", wide=True),
    ]


def _column(name: str, json_path: str, description: str, *, wide: bool = False) -> dict[str, Any]:
    column = {"name": name, "type": "string", "jsonPath": json_path, "description": description}
    return column | {"priority": 1} if wide else column
