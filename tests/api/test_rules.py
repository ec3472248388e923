"""The same objects before Python and before a real API server: the same verdict, at the same field."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from pydantic import ValidationError

from setpoint.api.crd import inference_service_crd
from setpoint.api.rules import EXTENSION
from setpoint.cli.explain import path_text
from setpoint.cli.submitted import SubmittedInferenceService
from tests.api.examples import ACCEPTED, REFUSED, Refused
from tests.api.kubectl import Admission
from tests.api.strategies import inference_service_objects


def python_faults(submitted: dict[str, Any]) -> list[tuple[str, str]]:
    """Return field and message of each fault that the models find."""
    try:
        SubmittedInferenceService.model_validate_json(json.dumps(submitted), strict=True, extra="forbid")
    except ValidationError as error:
        return [(path_text(each["loc"]), each["msg"]) for each in error.errors()]
    return []


def rules_of_crd() -> list[dict[str, str]]:
    """Return all rules of the CRD."""

    def walk(schema: Any) -> list[dict[str, str]]:
        if isinstance(schema, list):
            return [rule for each in schema for rule in walk(each)]
        if not isinstance(schema, dict):
            return []
        return [
            *schema.get(EXTENSION, []),
            *(rule for key in schema if key != EXTENSION for rule in walk(schema[key])),
        ]

    return walk(inference_service_crd())


def assert_told(refused: Refused, faults: list[tuple[str, str]]) -> None:
    """Assert that the fault is told at its field, in its words."""
    assert any(field == refused.field and refused.message in message for field, message in faults), faults


@pytest.mark.parametrize("refused", REFUSED, ids=str)
def test_python_refuses_what_breaks_a_rule(refused: Refused) -> None:
    assert_told(refused, python_faults(refused.submitted))


@pytest.mark.parametrize("submitted", ACCEPTED)
def test_python_accepts_what_breaks_none(submitted: dict[str, Any]) -> None:
    assert python_faults(submitted) == []


def test_every_rule_that_looks_at_one_object_has_an_example() -> None:
    told = [refused.message for refused in REFUSED if refused.message]
    untold = [
        rule["message"]
        for rule in rules_of_crd()
        if "oldSelf" not in rule["rule"] and not any(message in rule["message"] for message in told)
    ]
    assert untold == []


@pytest.mark.apiserver
@pytest.mark.parametrize("refused", REFUSED, ids=str)
def test_api_server_refuses_what_breaks_a_rule(refused: Refused, admission: Admission) -> None:
    answer = admission.create(refused.submitted)
    assert not answer.accepted
    assert_told(refused, answer.causes)


@pytest.mark.apiserver
@pytest.mark.parametrize("submitted", ACCEPTED)
def test_api_server_accepts_what_breaks_none(submitted: dict[str, Any], admission: Admission) -> None:
    answer = admission.create(submitted)
    assert answer.accepted, answer.causes


@pytest.mark.apiserver
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(submitted=inference_service_objects())
def test_python_and_api_server_judge_any_object_alike(
    submitted: dict[str, Any], admission: Admission
) -> None:
    answer, faults = admission.create(submitted), python_faults(submitted)
    event("accepted" if answer.accepted else "refused")
    assert answer.accepted == (not faults), (answer.causes or answer.body, faults)
