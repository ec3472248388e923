"""The faults of one submitted object: each is found, and none is made."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings

from setpoint.cli.check import check
from tests.api.examples import ACCEPTED, REFUSED, Refused
from tests.api.strategies import inference_service_objects
from tests.api.test_rules import python_faults
from tests.builders import inference_service_object, settings


@pytest.mark.parametrize("refused", REFUSED, ids=str)
def test_each_broken_rule_is_found(refused: Refused) -> None:
    faults = check(refused.submitted, settings()).faults
    assert any(fault.field == refused.field and refused.message in fault.message for fault in faults)


@pytest.mark.parametrize("submitted", ACCEPTED)
def test_what_breaks_no_rule_has_no_fault_of_the_schema(submitted: dict[str, Any]) -> None:
    faults = check(submitted, settings(allowed_node_paths=("/",))).faults
    assert [fault for fault in faults if fault.reason == "InvalidSpec"] == []


@pytest.mark.parametrize(
    "wrong",
    [{"threshold": "fast"}, {"name": "No Name"}, {"metric": "Latency"}, {"percentile": 100}, {"x": 1}],
)
def test_one_wrong_field_of_an_item_is_one_fault(wrong: dict[str, Any]) -> None:
    objective = {"name": "a", "metric": "TimeToFirstToken", "threshold": "1s", **wrong}
    faults = check(inference_service_object(slo={"objectives": [objective]}), settings()).faults
    assert [fault.field for fault in faults] == [f"spec.slo.objectives[0].{next(iter(wrong))}"]


def test_a_required_field_that_is_not_there_is_said_beside_a_wrong_one() -> None:
    objective = {"name": "a", "threshold": "fast"}
    faults = check(inference_service_object(slo={"objectives": [objective]}), settings()).faults
    assert {fault.field.removeprefix("spec.slo.objectives[0].") for fault in faults} == {
        "metric",
        "threshold",
    }


@hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(inference_service_objects())
def test_setting_faults_aside_ends_and_hides_none(submitted: dict[str, Any]) -> None:
    told = {fault.field for fault in check(submitted, settings()).faults}
    assert {field for field, _ in python_faults(submitted)} <= told
