"""What the chart renders, without a cluster."""

import itertools
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from setpoint.settings import Settings
from tests.chart import golden, helm

ROOT = Path(__file__).parents[2]
VALUES: dict[str, Any] = yaml.safe_load((helm.CHART / "values.yaml").read_text())


def operator_pod(objects: list[helm.Object]) -> helm.Object:
    template: helm.Object = helm.pick(objects, "Deployment")["spec"]["template"]
    return template


def operator_container(objects: list[helm.Object]) -> helm.Object:
    (container,) = operator_pod(objects)["spec"]["containers"]
    return dict(container)


def settings_of(objects: list[helm.Object]) -> Settings:
    text = helm.pick(objects, "ConfigMap", "setpoint-settings")["data"]["settings.yaml"]
    return Settings.model_validate(yaml.safe_load(text))


def leaves(values: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value that is not a map with something in it, with its path."""
    if isinstance(values, dict) and values:
        for key, value in values.items():
            yield from leaves(value, (*path, key))
    else:
        yield path, values


def test_the_rendering_is_the_golden_one() -> None:
    rendered = golden.files()
    kept = {name: (ROOT / name).read_text() for name in rendered}
    assert rendered == kept, "after a wished change: python -m tests.chart.golden"


@pytest.mark.parametrize("case", golden.CASES)
def test_helm_finds_no_fault(case: str) -> None:
    helm.run("lint", "--strict", helm.CHART, values=golden.CASES[case])


def test_the_case_everything_changes_every_value() -> None:
    for path, default in leaves(VALUES):
        value: Any = golden.EVERYTHING
        for key in path:
            value = value[key]
        assert value != default or path == ("networkPolicy", "enabled"), f"{path} is left at its default"


def test_the_chart_has_the_projects_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    chart = yaml.safe_load((helm.CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (project["version"], project["version"])


def test_the_charts_crds_are_the_generated_ones() -> None:
    def contents(folder: Path) -> dict[str, bytes]:
        return {file.name: file.read_bytes() for file in folder.glob("*.yaml")}

    assert contents(helm.CHART / "crds") == contents(ROOT / "crds") != {}


def test_the_default_settings_are_those_of_the_code() -> None:
    assert settings_of(helm.render()) == Settings()


def test_every_setting_of_the_code_is_a_value_of_the_chart() -> None:
    blocks = {"prometheus", "tuning"}  # of their own, and tested in test_tuning_values
    assert set(VALUES["settings"]) == {field.alias for field in Settings.model_fields.values()} - blocks


def test_settings_reach_the_operator_as_they_are() -> None:
    wished = golden.EVERYTHING["settings"]
    assert settings_of(helm.render({"settings": wished})) == Settings.model_validate(wished)


@pytest.mark.parametrize("overrides", [{"huggingFaceEndpoint": None}, {"imagePullSecrets": None}])
def test_a_setting_that_is_taken_away_is_the_codes_default(overrides: dict[str, None]) -> None:
    assert settings_of(helm.render({"settings": overrides})) == Settings()


@pytest.mark.parametrize(
    ("image", "mirrored"),
    [
        ("docker.io/vllm/vllm-openai", "mirror.example.com/m/vllm/vllm-openai"),
        ("localhost/vllm", "mirror.example.com/m/vllm"),
        ("registry:5000/vllm", "mirror.example.com/m/vllm"),
        ("vllm/vllm-openai", "mirror.example.com/m/vllm/vllm-openai"),
        ("vllm", "mirror.example.com/m/vllm"),
    ],
)
def test_a_mirror_stands_in_for_every_registry(image: str, mirrored: str) -> None:
    objects = helm.render(
        {"mirrorRegistry": "mirror.example.com/m", "settings": {"vllmImage": image}, "image": {"tag": "1"}}
    )
    assert settings_of(objects).vllm_image == mirrored
    assert operator_container(objects)["image"] == "mirror.example.com/m/setpoint:1"


def test_an_image_without_a_registry_has_no_leading_slash() -> None:
    objects = helm.render({"image": {"registry": "", "repository": "setpoint", "tag": "1"}})
    assert operator_container(objects)["image"] == "setpoint:1"


@pytest.mark.parametrize(
    ("level", "flags"), [("debug", ["--verbose"]), ("info", []), ("warning", ["--quiet"])]
)
def test_the_log_level_becomes_a_flag_of_kopf(level: str, flags: list[str]) -> None:
    assert operator_container(helm.render({"logLevel": level}))["args"] == [
        "--module=setpoint.runtime",
        *flags,
    ]


def test_a_change_of_the_settings_rolls_the_operator_and_nothing_else_does() -> None:
    plain, scaled = operator_pod(helm.render()), operator_pod(helm.render({"replicas": 3}))
    changed = operator_pod(helm.render({"settings": {"allowedNodePaths": ["/models"]}}))
    assert plain == scaled
    assert plain != changed


def test_the_selectors_fit_the_pods() -> None:
    objects = helm.render(golden.EVERYTHING)
    labels = operator_pod(objects)["metadata"]["labels"].items()
    assert helm.pick(objects, "Deployment")["spec"]["selector"]["matchLabels"].items() <= labels
    assert helm.pick(objects, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"].items() <= labels
    assert helm.pick(objects, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"].items() <= labels


def test_everything_that_has_a_namespace_is_in_the_releases() -> None:
    rendered = (helm.render(values, namespace="elsewhere") for values in golden.CASES.values())
    for item in itertools.chain(*rendered):
        if not item["kind"].startswith(("Cluster", "ValidatingAdmissionPolicy")):
            assert item["metadata"]["namespace"] == "elsewhere"
        for subject in item.get("subjects", []):
            assert subject["namespace"] == "elsewhere"


def test_no_role_has_a_wildcard_or_reaches_secrets() -> None:
    roles = [item for item in helm.render(golden.EVERYTHING) if item["kind"] in {"Role", "ClusterRole"}]
    assert roles
    for rule in (rule for role in roles for rule in role["rules"]):
        words = [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
        assert not any("*" in word for word in words)
        assert "secrets" not in rule["resources"]


def test_nothing_but_the_probes_port_is_open_and_egress_only_closes_on_demand() -> None:
    spec = helm.pick(helm.render(), "NetworkPolicy")["spec"]
    assert spec["policyTypes"] == ["Ingress"]
    assert spec["ingress"] == [{"ports": [{"protocol": "TCP", "port": "probes"}]}]
    closed = helm.pick(helm.render(golden.EVERYTHING), "NetworkPolicy")["spec"]
    assert closed["policyTypes"] == ["Ingress", "Egress"]
    assert closed["egress"][1:] == golden.EVERYTHING["networkPolicy"]["egress"]


def test_the_network_policy_can_be_left_out() -> None:
    assert "NetworkPolicy" not in {
        item["kind"] for item in helm.render({"networkPolicy": {"enabled": False}})
    }
