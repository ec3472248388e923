"""Which settings are refused, and in what words."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from setpoint.prom.settings import PrometheusSettings

HTTPS = "https://prometheus.monitoring:9090"


def settings(**fields: Any) -> PrometheusSettings:
    return PrometheusSettings.model_validate({"url": HTTPS, **fields})


def faults(**fields: Any) -> str:
    """Where and in what words these settings are refused."""
    with pytest.raises(ValidationError) as caught:
        settings(**fields)
    return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in caught.value.errors())


@pytest.mark.parametrize(
    "url",
    ["http://prometheus:9090", "https://mimir.example/prometheus", "http://[::1]:9090", "http://10.0.0.1"],
)
def test_a_url_of_http_is_taken_without_a_slash_at_its_end(url: str) -> None:
    assert settings(url=f"{url}/").url == url


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("prometheus:9090", "does not begin with http"),
        ("ftp://prometheus", "does not begin with http"),
        ("", "does not begin with http"),
        ("http://", "names no host"),
        ("http:///metrics", "names no host"),
        ("http://prometheus:90900", "is no URL"),
        ("http://[::1", "is no URL"),
        ("http://prometheus/?a=b", "has a query"),
        ("http://prometheus/#graph", "has a query or a fragment"),
        ("http://prom etheus", "has a character"),
        ("http://prometheus\n", "has a character"),
    ],
)
def test_a_url_that_leads_to_no_prometheus_is_refused_with_one_that_would(url: str, fault: str) -> None:
    told = faults(url=url)
    assert told.startswith("url: ")
    assert fault in told
    assert "http://prometheus:9090" in told


def test_a_url_with_credentials_is_refused_without_showing_them() -> None:
    with pytest.raises(ValidationError, match="tokenFile") as caught:
        settings(url="https://someone:hunter2@prometheus")
    assert "hunter2" not in str(caught.value)


@given(st.text())
def test_any_text_as_a_url_is_taken_or_refused(url: str) -> None:
    try:
        taken = settings(url=url).url
    except ValidationError:
        return
    assert taken.lower().startswith(("http://", "https://"))


@pytest.mark.parametrize("seconds", [0, -1, 61, float("nan"), float("inf"), "soon"])
def test_a_timeout_is_between_a_tenth_of_a_second_and_a_minute(seconds: object) -> None:
    assert faults(timeoutSeconds=seconds).startswith("timeoutSeconds: ")


def test_a_path_is_absolute() -> None:
    assert "'token' must be an absolute path, such as /" in faults(tokenFile="token")


@pytest.mark.parametrize("field", ["tokenFile", "caFile"])
def test_what_is_for_tls_is_refused_over_http(field: str) -> None:
    assert f"{field} needs https" in faults(url="http://prometheus", **{field: "/etc/file"})


def test_a_client_certificate_needs_its_key() -> None:
    assert "give both, or neither" in faults(clientCertificateFile="/etc/tls.crt")


@pytest.mark.parametrize("name", ["", "X Scope", "X:", "Authorization", "host", "X-Scope\r\nHost", "é"])
def test_a_tenants_header_is_a_header_of_its_own(name: str) -> None:
    assert "such as X-Scope-OrgID" in faults(tenant={"header": name, "value": "a"})


@pytest.mark.parametrize("value", ["", " a", "a\r\nHost: b", "a" * 257, "é"])
def test_a_tenants_value_is_printable(value: str) -> None:
    assert "such as team-a" in faults(tenant={"value": value})


def test_verification_cannot_be_switched_off() -> None:
    assert "insecureSkipVerify" in faults(insecureSkipVerify=True)
