"""The administrator's settings as the operator reads them."""

from typing import Any

import pytest
from pydantic import ValidationError

from setpoint.settings import Settings


def test_without_a_word_there_is_no_prometheus_and_a_look_every_15_seconds() -> None:
    settings = Settings()
    assert settings.prometheus is None
    assert settings.tuning.interval_seconds == 15


def test_prometheus_is_read_as_the_chart_writes_it() -> None:
    written = {
        "url": "https://prometheus.monitoring:9090/",
        "timeoutSeconds": 5,
        "tokenFile": "/etc/setpoint-prometheus/token/token",
        "tenant": {"header": "X-Scope-OrgID", "value": "team-a"},
    }
    found = Settings.model_validate({"prometheus": written}).prometheus
    assert found is not None
    assert (found.url, found.timeout_seconds) == ("https://prometheus.monitoring:9090", 5.0)
    assert found.tenant is not None
    assert found.tenant.value == "team-a"


@pytest.mark.parametrize(
    ("field", "written"),
    [
        ("prometheus.url", {"prometheus": {"url": "prometheus:9090"}}),
        ("prometheus.url", {"prometheus": {}}),
        ("prometheus.timeoutSeconds", {"prometheus": {"url": "http://p:9090", "timeoutSeconds": 0}}),
        ("tuning.intervalSeconds", {"tuning": {"intervalSeconds": 4}}),
        ("tuning.intervalSeconds", {"tuning": {"intervalSeconds": 61}}),
        ("tuning.interval", {"tuning": {"interval": "15s"}}),
    ],
)
def test_a_wrong_setting_is_refused_by_its_field(field: str, written: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings.model_validate(written)
    assert [".".join(map(str, each["loc"])) for each in refused.value.errors()] == [field]


def test_a_password_in_an_address_stays_out_of_the_error() -> None:
    with pytest.raises(ValidationError) as refused:
        Settings.model_validate({"prometheus": {"url": "http://admin:hunter2@prometheus:9090"}})
    assert "hunter2" not in str(refused.value)
    assert "give a tokenFile" in str(refused.value)
