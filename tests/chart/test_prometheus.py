"""What the chart renders for Prometheus, without one and without a cluster."""

from typing import Any

import pytest
import yaml

from e2e.prometheus import chart, programs
from setpoint.orchestrations import deployment
from tests.builders import inference_service, settings
from tests.chart import golden, helm, prometheus

GROUP = "monitoring.coreos.com"
MONITORED = {"prometheus": {"podMonitor": True}}


def kinds(objects: list[helm.Object]) -> set[str]:
    return {item["kind"] for item in objects if "onitor" in item["kind"] or item["kind"] == "PrometheusRule"}


def scrape(objects: list[helm.Object]) -> dict[str, Any]:
    (job,) = prometheus.config(objects)["scrape_configs"]
    return dict(job)


def endpoint(objects: list[helm.Object]) -> dict[str, Any]:
    (found,) = helm.pick(objects, "PodMonitor", "setpoint-engines")["spec"]["podMetricsEndpoints"]
    return dict(found)


def server(objects: list[helm.Object]) -> helm.Object:
    return helm.pick(objects, "Deployment", "setpoint-prometheus")


def server_pod(values: dict[str, Any]) -> dict[str, Any]:
    return dict(server(helm.render(values))["spec"]["template"]["spec"])


def test_no_prometheus_is_installed_unless_it_is_asked_for() -> None:
    assert not [item for item in helm.render() if "prometheus" in item["metadata"]["name"].lower()]


def test_the_image_is_the_release_that_is_built_for_the_local_cluster() -> None:
    # Release 3.13.5 is version 0.313.5 of the module.
    major, minor, patch = chart.version().removeprefix("v").split(".")
    locked = f"github.com/prometheus/prometheus v0.{major}{int(minor):02}.{patch}"
    assert locked in (programs.SOURCES / "go.mod").read_text()
    assert server_pod(prometheus.INSTALLED)["containers"][0]["image"] == chart.reference()


def test_it_looks_for_the_labels_the_container_and_the_port_that_the_operator_gives() -> None:
    service = inference_service()
    (main,) = deployment.pod_template(service, settings())["spec"]["containers"]
    labels = deployment.labels(service)
    objects = helm.render(prometheus.INSTALLED | {"prometheus": {"install": True, "podMonitor": True}})
    (discovery,) = scrape(objects)["kubernetes_sd_configs"]
    selected = dict(pair.split("=") for pair in discovery["selectors"][0]["label"].split(","))

    assert selected.items() <= labels.items()
    assert helm.pick(objects, "PodMonitor", "setpoint-engines")["spec"]["selector"]["matchLabels"] == selected
    keep = scrape(objects)["relabel_configs"][0]
    assert keep["regex"] == f"{main['name']};{main['ports'][0]['name']}"
    assert endpoint(objects)["port"] == main["ports"][0]["name"]
    assert endpoint(objects)["relabelings"][0]["regex"] == main["name"]
    assert deployment.SERVICE_LABEL == "setpoint.dev/inferenceservice"
    name = "__meta_kubernetes_pod_label_setpoint_dev_inferenceservice"
    assert [name] in [rule["source_labels"] for rule in scrape(objects)["relabel_configs"]]
    assert [name] in [rule["sourceLabels"] for rule in endpoint(objects)["relabelings"]]


@pytest.mark.parametrize(
    ("value", "served", "rendered"),
    [
        ("auto", (), False),
        ("auto", ("PodMonitor",), False),
        ("auto", ("PodMonitor", "PrometheusRule"), True),
        (True, (), True),
        (False, ("PodMonitor", "PrometheusRule"), False),
    ],
)
def test_the_prometheus_operator_gets_its_kinds_where_it_serves_them_or_where_it_is_said(
    value: str | bool, served: tuple[str, ...], rendered: bool
) -> None:
    objects = helm.render(
        {"prometheus": {"podMonitor": value}}, kinds=[f"{GROUP}/v1/{kind}" for kind in served]
    )
    assert kinds(objects) == ({"PodMonitor", "PrometheusRule"} if rendered else set())


def test_both_ways_scrape_alike() -> None:
    values = {"install": True, "podMonitor": True, "scrapeInterval": "15s", "sampleLimit": 7}
    objects = helm.render({"prometheus": values})
    monitor = helm.pick(objects, "PodMonitor", "setpoint-engines")["spec"]
    job = scrape(objects)

    assert prometheus.config(objects)["global"]["scrape_interval"] == endpoint(objects)["interval"] == "15s"
    assert job["sample_limit"] == monitor["sampleLimit"] == 7
    assert job["body_size_limit"] == monitor["bodySizeLimit"]
    assert job["label_limit"] == monitor["labelLimit"]
    assert job["label_name_length_limit"] == monitor["labelNameLengthLimit"]
    assert job["label_value_length_limit"] == monitor["labelValueLengthLimit"]
    # What an engine sends overrides nothing, and leads nowhere.
    for name, other in (
        ("honor_labels", "honorLabels"),
        ("honor_timestamps", "honorTimestamps"),
        ("follow_redirects", "followRedirects"),
    ):
        assert job[name] is endpoint(objects)[other] is False
    relabelings = [
        {name: value for name, value in rule.items() if name != "sourceLabels"}
        | ({"source_labels": rule["sourceLabels"]} if "sourceLabels" in rule else {})
        for rule in endpoint(objects)["metricRelabelings"]
    ]
    assert job["metric_relabel_configs"] == relabelings


def test_both_ways_have_the_same_alerts() -> None:
    objects = helm.render({"prometheus": {"install": True, "podMonitor": True}})
    alerts = yaml.safe_load(prometheus.ALERTS.read_text())
    assert yaml.safe_load(prometheus.files(objects)["alerts.yaml"]) == alerts
    assert helm.pick(objects, "PrometheusRule")["spec"] == alerts


def test_a_label_by_which_the_prometheus_operator_picks_is_on_both() -> None:
    objects = helm.render({"prometheus": {"podMonitor": True, "podMonitorLabels": {"release": "kps"}}})
    for kind, name in (("PodMonitor", "setpoint-engines"), ("PrometheusRule", "setpoint")):
        labels = helm.pick(objects, kind, name)["metadata"]["labels"]
        assert labels["release"] == "kps"
        assert labels["app.kubernetes.io/name"] == "setpoint"


def test_only_the_operator_and_admitted_peers_may_ask_it() -> None:
    objects = helm.render(golden.EVERYTHING)
    policy = helm.pick(objects, "NetworkPolicy", "setpoint-prometheus")["spec"]
    (rule,) = policy["ingress"]
    admitted, *others = rule["from"]
    asking = helm.pick(objects, "Deployment")["spec"]["template"]["metadata"]["labels"]
    asked = server(objects)["spec"]["template"]["metadata"]["labels"]

    assert policy["podSelector"]["matchLabels"].items() <= asked.items()
    assert rule["ports"] == [{"protocol": "TCP", "port": "http"}]
    assert admitted["podSelector"]["matchLabels"].items() <= asking.items()
    assert others == golden.EVERYTHING["prometheus"]["server"]["admittedPeers"]


@pytest.mark.parametrize("kind", ["NetworkPolicy", "PodDisruptionBudget"])
def test_what_is_said_of_the_operators_pods_is_not_said_of_prometheus(kind: str) -> None:
    objects = helm.render(golden.EVERYTHING)
    spec = helm.pick(objects, kind)["spec"]
    selector = (spec.get("podSelector") or spec.get("selector"))["matchLabels"]
    assert not selector.items() <= server(objects)["spec"]["template"]["metadata"]["labels"].items()


def volume(values: dict[str, Any]) -> dict[str, Any]:
    """Where the server keeps its samples."""
    found = {each["name"]: each for each in server_pod(values)["volumes"]}
    return dict(found["samples"])


def test_samples_are_kept_in_the_pod() -> None:
    values = {"prometheus": {"install": True, "server": {"storage": {"size": "9Gi"}}}}
    assert volume(values)["emptyDir"] == {"sizeLimit": "9Gi"}
    assert not [item for item in helm.render(values) if item["kind"] == "PersistentVolumeClaim"]


def test_samples_are_kept_in_a_claim_that_outlives_the_installation() -> None:
    values = {"prometheus": {"install": True, "server": {"storage": {"claim": True, "size": "9Gi"}}}}
    claim = helm.pick(helm.render(values), "PersistentVolumeClaim", "setpoint-prometheus")
    assert volume(values)["persistentVolumeClaim"] == {"claimName": claim["metadata"]["name"]}
    assert claim["spec"]["resources"]["requests"] == {"storage": "9Gi"}
    assert "storageClassName" not in claim["spec"]
    assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}


def test_a_mirror_stands_in_for_its_registry_too() -> None:
    values = prometheus.INSTALLED | {"mirrorRegistry": "mirror.example.com/m"}
    assert server_pod(values)["containers"][0]["image"].startswith("mirror.example.com/m/prom/prometheus:v")


def test_its_alerts_go_to_the_alertmanagers_that_are_named() -> None:
    assert "alerting" not in prometheus.config(helm.render(prometheus.INSTALLED))
    named = prometheus.config(helm.render(golden.EVERYTHING))["alerting"]["alertmanagers"]
    assert named == [
        {"static_configs": [{"targets": golden.EVERYTHING["prometheus"]["server"]["alertmanagers"]}]}
    ]


def test_a_changed_configuration_restarts_nothing() -> None:
    """Without a claim a restart costs all samples; the server sees the change by itself."""
    changed = {"prometheus": {"install": True, "scrapeInterval": "30s"}}
    assert server_pod(changed) == server_pod(prometheus.INSTALLED)
    assert "--config.auto-reload" in server_pod(changed)["containers"][0]["args"]
