"""What the API and the tuner say of one another, and the status that two controllers write."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from setpoint.api import tuning
from setpoint.api.reasons import Reason
from setpoint.api.status import InferenceServiceStatus, ObjectiveVerdict
from setpoint.tuner import state as tuner
from setpoint.tuner.evidence import Verdict
from setpoint.tuner.knobs import LEAST_TOKENS
from tests.api.kubectl import Kubectl
from tests.builders import inference_service, inference_service_object

TUNING = {
    "objectives": [
        {
            "name": "between-tokens",
            "threshold": "60ms",
            "percentile": 95,
            "verdict": "Kept",
            "badShare": "1.2%",
            "samples": 2310,
        }
    ],
    "goodShare": "98.5%",
    "window": "4m50s",
    "wanted": {"maxNumBatchedTokens": 512, "maxNumSeqs": 512, "maxQueuedTokens": 22000},
    "inForce": {"maxNumBatchedTokens": 512},
    "recommendation": "maxNumBatchedTokens 512, since between-tokens is broken",
    "decisions": [
        {
            "time": "2026-01-01T00:00:00Z",
            "policy": "SmallerBudget",
            "cause": "between-tokens is broken",
            "before": {},
            "after": {"maxNumBatchedTokens": 512},
            "applied": True,
            "effect": "bad requests: before 9.0%, after 1.5%",
        }
    ],
}


def test_the_api_has_the_modes_of_the_tuner() -> None:
    assert [*tuning.TuningMode] == [*tuner.Mode]
    assert [*tuning.OnStop] == [*tuner.OnStop]


def test_the_api_has_the_verdicts_of_the_tuner() -> None:
    assert [*ObjectiveVerdict] == [*Verdict]


def test_every_reason_of_the_tuner_is_one_of_the_api() -> None:
    assert {*tuner.Reason} <= {*map(str, Reason)}


def test_the_bound_that_holds_without_one_is_the_tuners() -> None:
    assert tuning.LEAST_BATCHED_TOKENS == LEAST_TOKENS
    assert f"not below {LEAST_TOKENS}" in str(
        tuning.TuningBounds.model_fields["max_num_batched_tokens"].description
    )


def test_a_service_that_says_nothing_is_advised_only() -> None:
    assert inference_service().spec.tuning == tuning.Tuning(mode=tuning.TuningMode.RECOMMEND)


def test_a_status_says_only_what_is_known() -> None:
    status = InferenceServiceStatus.model_validate({"tuning": TUNING})
    assert status.model_dump(by_alias=True, exclude_unset=True, mode="json") == {"tuning": TUNING}
    assert InferenceServiceStatus.model_validate({"tuning": {}}).tuning is not None


@pytest.fixture
def promising(kubectl: Kubectl) -> Iterator[str]:
    """A stored InferenceService; its name."""
    kubectl("create", "-f", "-", stdin=json.dumps(inference_service_object("promising", "default")))
    yield "promising"
    kubectl("delete", "infsvc", "promising")


@pytest.mark.apiserver
def test_two_controllers_write_one_status(kubectl: Kubectl, promising: str) -> None:
    apply_status(kubectl, promising, "setpoint", {"replicas": 1, "conditions": [condition("Ready")]})
    apply_status(
        kubectl, promising, "setpoint-tuning", {"tuning": TUNING, "conditions": [condition("SLOMet")]}
    )
    apply_status(kubectl, promising, "setpoint", {"replicas": 2, "conditions": [condition("Ready")]})
    status = json.loads(kubectl("get", "infsvc", promising, "-o", "json"))["status"]
    assert {each["type"] for each in status.pop("conditions")} == {"Ready", "SLOMet"}
    assert status == {"replicas": 2, "tuning": TUNING}


@pytest.mark.apiserver
def test_a_controller_takes_back_what_is_its_own(kubectl: Kubectl, promising: str) -> None:
    apply_status(kubectl, promising, "setpoint", {"conditions": [condition("Ready")]})
    apply_status(
        kubectl, promising, "setpoint-tuning", {"tuning": TUNING, "conditions": [condition("SLOMet")]}
    )
    apply_status(kubectl, promising, "setpoint-tuning", {})
    status = json.loads(kubectl("get", "infsvc", promising, "-o", "json"))["status"]
    assert [each["type"] for each in status["conditions"]] == ["Ready"]
    assert "tuning" not in status


def apply_status(kubectl: Kubectl, name: str, manager: str, status: dict[str, Any]) -> None:
    """Apply a status as one field manager."""
    manifest = {
        "apiVersion": "setpoint.dev/v1alpha1",
        "kind": "InferenceService",
        "metadata": {"name": name, "namespace": "default"},
        "status": status,
    }
    kubectl(
        *("apply", "--server-side", "--subresource=status", "--validate=strict"),
        *(f"--field-manager={manager}", "-f", "-"),
        stdin=json.dumps(manifest),
    )


def condition(kind: str) -> dict[str, Any]:
    """Return a condition that holds."""
    return {
        "type": kind,
        "status": "True",
        "reason": "Met",
        "message": "",
        "observedGeneration": 1,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
