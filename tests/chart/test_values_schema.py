"""The schema of the values tells of a typo before anything reaches the cluster."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart import helm

SCHEMA: dict[str, Any] = json.loads((helm.CHART / "values.schema.json").read_text())
VALUES: dict[str, Any] = yaml.safe_load((helm.CHART / "values.yaml").read_text())
CLOSED = [
    "",
    *(key for key, part in SCHEMA["properties"].items() if part.get("additionalProperties") is False),
]


def server(**values: Any) -> dict[str, Any]:
    """Values of the Prometheus that is installed."""
    return {"prometheus": {"server": values}}


def test_schema_and_values_list_the_same() -> None:
    assert set(SCHEMA["properties"]) - {"global"} == set(VALUES)
    for part in ("image", "settings", "networkPolicy", "prometheus", "tuning"):
        assert set(SCHEMA["properties"][part]["properties"]) == set(VALUES[part])
    prometheus = SCHEMA["properties"]["prometheus"]["properties"]
    assert set(prometheus) == set(VALUES["prometheus"])
    assert set(prometheus["server"]["properties"]) == set(VALUES["prometheus"]["server"])


def test_only_maps_with_names_of_the_users_are_open() -> None:
    open_maps = {
        key
        for key, part in SCHEMA["properties"].items()
        if part.get("type") == "object" and part.get("additionalProperties") is not False
    }
    assert open_maps == {"global"}


@pytest.mark.parametrize("part", CLOSED)
def test_an_unknown_value_is_refused_by_name(part: str) -> None:
    values = {part: {"replcias": 3}} if part else {"replcias": 3}
    with pytest.raises(helm.HelmError, match="replcias"):
        helm.render(values)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("replicas", {"replicas": 0}),
        ("replicas", {"replicas": "2"}),
        ("image/tag", {"image": {"tag": "1.0 beta"}}),
        ("image/tag", {"image": {"tag": 1.0}}),
        ("image/registry", {"image": {"registry": "https://ghcr.io"}}),
        ("image/repository", {"image": {"repository": "Setpoint"}}),
        ("image/repository", {"image": {"repository": ""}}),
        ("image/pullPolicy", {"image": {"pullPolicy": "Sometimes"}}),
        ("image/pullSecrets/0", {"image": {"pullSecrets": [{"name": "pull"}]}}),
        ("mirrorRegistry", {"mirrorRegistry": "mirror.example.com/"}),
        ("settings/vllmImage", {"settings": {"vllmImage": "docker.io/vllm/vllm-openai:v1"}}),
        ("settings/vllmImage", {"settings": {"vllmImage": ""}}),
        ("settings/imagePullSecrets", {"settings": {"imagePullSecrets": "pull"}}),
        ("settings/allowedNodePaths/0", {"settings": {"allowedNodePaths": ["models"]}}),
        ("settings/huggingFaceEndpoint", {"settings": {"huggingFaceEndpoint": "hub.example.com"}}),
        ("logLevel", {"logLevel": "INFO"}),
        ("resources/limits/memory", {"resources": {"limits": {"memory": "512MB"}}}),
        ("networkPolicy/enabled", {"networkPolicy": {"enabled": "true"}}),
        ("prometheus/install", {"prometheus": {"install": "yes"}}),
        ("prometheus/podMonitor", {"prometheus": {"podMonitor": "always"}}),
        ("prometheus/scrapeInterval", {"prometheus": {"scrapeInterval": "5"}}),
        ("prometheus/server/image/tag", server(image={"tag": ""})),
        ("prometheus/server/retention/time", server(retention={"time": "15 days"})),
        ("prometheus/server/retention/size", server(retention={"size": "4Gi"})),
        ("prometheus/server/storage/size", server(storage={"size": "8GB"})),
        ("prometheus/server/alertmanagers/0", server(alertmanagers=["http://alertmanager:9093"])),
        ("prometheus/server/admittedPeers/0", server(admittedPeers=[{}])),
        ("prometheus/url", {"prometheus": {"url": "prometheus:9090"}}),
        ("prometheus/url", {"prometheus": {"url": "http://admin:secret@prometheus:9090"}}),
        ("prometheus/url", {"prometheus": {"url": "http://prometheus:9090/?a=b"}}),
        ("prometheus/timeout", {"prometheus": {"timeout": 10}}),
        ("prometheus/timeout", {"prometheus": {"timeout": "61s"}}),
        ("prometheus/tokenSecretRef", {"prometheus": {"tokenSecretRef": {"name": "a"}}}),
        ("prometheus/caConfigMapRef/key", {"prometheus": {"caConfigMapRef": {"name": "a", "key": "b/c"}}}),
        ("prometheus/tenant", {"prometheus": {"tenant": {"header": "X-Scope-OrgID"}}}),
        ("prometheus/tenant/value", {"prometheus": {"tenant": {"value": "a\nb"}}}),
        ("tuning/interval", {"tuning": {"interval": "4s"}}),
        ("tuning/interval", {"tuning": {"interval": "2m"}}),
        ("tuning/killSwitch", {"tuning": {"killSwitch": "true"}}),
        ("podAnnotations/a", {"podAnnotations": {"a": 1}}),
        ("nodeSelector/a", {"nodeSelector": {"a": True}}),
        ("tolerations/0/effect", {"tolerations": [{"effect": "NoShedule"}]}),
    ],
)
def test_a_wrong_value_is_refused_and_its_field_named(field: str, values: dict[str, Any]) -> None:
    with pytest.raises(helm.HelmError, match=field):
        helm.render(values)


def test_the_chart_can_be_part_of_another(tmp_path: Path) -> None:
    (tmp_path / "Chart.yaml").write_text("{apiVersion: v2, name: umbrella, version: 0.0.1}")
    (tmp_path / "charts").mkdir()
    (tmp_path / "charts/setpoint").symlink_to(helm.CHART)
    rendered = helm.run("template", "x", tmp_path, values={"global": {"any": 1}, "setpoint": {"replicas": 3}})
    assert "replicas: 3" in rendered
