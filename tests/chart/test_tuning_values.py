"""Where the operator finds Prometheus, and the switch that ends all tuning, by the chart's values."""

from pathlib import Path
from typing import Any

import pytest

from setpoint.settings import KILL_SWITCH_KEY, KILL_SWITCH_NAME, TuningSettings
from tests.apiserver import ApiServer
from tests.chart import cluster, golden, helm
from tests.chart.test_rendering import operator_container, operator_pod, settings_of

CREDENTIALS = {
    "url": "https://prometheus.example.com:9090",
    "tokenSecretRef": {"name": "prometheus", "key": "bearer"},
    "caConfigMapRef": {"name": "authorities", "key": "ca.pem"},
}


def rendered(**prometheus: Any) -> list[helm.Object]:
    """What the chart renders with these values of Prometheus."""
    return helm.render({"prometheus": prometheus})


def mounted(objects: list[helm.Object]) -> list[dict[str, Any]]:
    """The sources of the volume with the credentials, where there is one."""
    volumes = {each["name"]: each for each in operator_pod(objects)["spec"]["volumes"]}
    sources: list[dict[str, Any]] = volumes.get("prometheus", {"projected": {"sources": []}})["projected"][
        "sources"
    ]
    return sources


def test_without_an_address_there_is_no_prometheus() -> None:
    objects = helm.render()
    assert settings_of(objects).prometheus is None
    assert mounted(objects) == []


def test_the_address_reaches_the_operator() -> None:
    found = settings_of(rendered(url="http://prometheus.monitoring:9090/x", timeout="7s")).prometheus
    assert found is not None
    assert (found.url, found.timeout_seconds) == ("http://prometheus.monitoring:9090/x", 7)
    assert (found.token_file, found.ca_file, found.tenant) == (None, None, None)


def test_the_files_that_the_operator_is_told_of_are_those_that_are_mounted() -> None:
    objects = rendered(**CREDENTIALS)
    found = settings_of(objects).prometheus
    assert found is not None
    (mount,) = [each for each in operator_container(objects)["volumeMounts"] if each["name"] == "prometheus"]
    assert mount["readOnly"] is True
    folder = Path(mount["mountPath"])
    assert (found.token_file, found.ca_file) == (folder / "token", folder / "ca.crt")
    assert mounted(objects) == [
        {"secret": {"name": "prometheus", "items": [{"key": "bearer", "path": "token"}]}},
        {"configMap": {"name": "authorities", "items": [{"key": "ca.pem", "path": "ca.crt"}]}},
    ]


@pytest.mark.parametrize("field", ["tokenSecretRef", "caConfigMapRef"])
def test_each_of_the_two_can_be_given_alone(field: str) -> None:
    objects = rendered(url=CREDENTIALS["url"], **{field: CREDENTIALS[field]})
    assert len(mounted(objects)) == 1
    settings_of(objects)


def test_a_tenant_reaches_the_operator_as_it_is() -> None:
    found = settings_of(helm.render(golden.EVERYTHING)).prometheus
    assert found is not None
    assert found.tenant is not None
    assert (found.tenant.header, found.tenant.value) == ("X-Tenant", "team 'a'")


@pytest.mark.parametrize("url", ["", "http://prometheus:9090"])
@pytest.mark.parametrize("field", ["tokenSecretRef", "caConfigMapRef"])
def test_credentials_need_https(field: str, url: str) -> None:
    with pytest.raises(helm.HelmError, match=rf"prometheus\.{field} needs a prometheus\.url with https://"):
        rendered(url=url, **{field: CREDENTIALS[field]})


def test_another_prometheus_rolls_the_operator_and_the_switch_does_not() -> None:
    plain = operator_pod(helm.render())
    assert operator_pod(rendered(url="http://prometheus:9090")) != plain
    assert operator_pod(helm.render({"tuning": {"killSwitch": True}})) == plain


def test_the_interval_reaches_the_operator() -> None:
    assert settings_of(helm.render()).tuning == TuningSettings()
    assert settings_of(helm.render({"tuning": {"interval": "60s"}})).tuning.interval_seconds == 60


@pytest.mark.parametrize(("value", "text"), [(False, "false"), (True, "true")])
def test_the_switch_is_a_config_map_that_the_operator_knows(value: bool, text: str) -> None:
    switch = helm.pick(helm.render({"tuning": {"killSwitch": value}}), "ConfigMap", KILL_SWITCH_NAME)
    assert switch["data"] == {KILL_SWITCH_KEY: text}
    labels = switch["metadata"]["labels"]
    # Helm writes the first of the two itself, whatever a template says.
    assert labels["app.kubernetes.io/managed-by"] == "Helm"
    assert labels["app.kubernetes.io/component"] == "kill-switch"


@pytest.mark.apiserver
def test_helm_leaves_the_switch_the_labels_that_find_it(installed: ApiServer) -> None:
    selector = (
        "app.kubernetes.io/managed-by in (setpoint,Helm),app.kubernetes.io/component in (engine,kill-switch)"
    )
    found = cluster.live(installed, "configmaps", f"--selector={selector}")["items"]
    assert [each["metadata"]["name"] for each in found] == [KILL_SWITCH_NAME]


def test_an_installed_prometheus_is_the_default() -> None:
    objects = rendered(install=True)
    service = helm.pick(objects, "Service", "setpoint-prometheus")
    found = settings_of(objects).prometheus
    assert found is not None
    port = service["spec"]["ports"][0]["port"]
    assert found.url == f"http://setpoint-prometheus.{helm.NAMESPACE}.svc:{port}"


def test_an_address_goes_before_the_installed_prometheus() -> None:
    found = settings_of(rendered(install=True, url="http://other:9090")).prometheus
    assert found is not None
    assert found.url == "http://other:9090"


def test_where_egress_is_closed_the_installed_prometheus_stays_reachable() -> None:
    egress = [{"to": [{"ipBlock": {"cidr": "192.0.2.1/32"}}]}]
    objects = helm.render({"networkPolicy": {"egress": egress}, "prometheus": {"install": True}})
    (rule,) = helm.pick(objects, "NetworkPolicy")["spec"]["egress"][1:-1]
    pods = helm.pick(objects, "Deployment", "setpoint-prometheus")["spec"]["template"]
    assert rule["to"] == [{"podSelector": {"matchLabels": pods["metadata"]["labels"]}}]
    (container,) = pods["spec"]["containers"]
    assert rule["ports"][0]["port"] in {each["name"] for each in container["ports"]}
