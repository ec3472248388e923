"""What a user can get wrong: each is told by field, value and remedy, and what serves goes on serving."""

import json
from typing import Any

import pytest

from e2e.clusters import ClusterError
from e2e.installation import wait_until
from e2e.scenarios.world import CHAT, World

pytestmark = pytest.mark.e2e

AWKWARD = "a \"b\" 'c' {{ d }} {% e %} $(HOME) $$(HOME) `f` ; g: [h] # i \\ \u2028 é"


@pytest.fixture
def serving(shared_world: World) -> World:
    """A namespace in which the service serves; applying it again mends what the test before broke."""
    shared_world.apply(shared_world.service())
    shared_world.wait_until_complete()
    return shared_world


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"replicas": -1}, "spec.replicas"),
        ({"model": {"uri": "s3://bucket/model", "name": "tiny"}}, "spec.model.uri"),
        ({"model": {"uri": "file:///a/../../etc", "name": "tiny"}}, "spec.model.uri"),
        ({"orchestration": "Pigeon"}, "spec.orchestration"),
        (
            {"placement": {"hugepages": [{"pageSize": "2Mi", "size": "3Mi"}]}},
            "spec.placement.hugepages[0].size",
        ),
        ({"engine": {"startupTimeout": "soon"}}, "spec.engine.startupTimeout"),
        ({"engine": {"args": ["--api-key=s3cret"]}}, "spec.engine.args"),
        ({"model": {"uri": "hf://a/b", "name": "renamed"}}, "spec.model.name"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_breaks_a_rule_is_refused_by_name_at_admission(
    serving: World, spec: dict[str, Any], field: str
) -> None:
    with pytest.raises(ClusterError) as refused:
        serving.apply(serving.service(**spec))

    assert field in str(refused.value)
    assert serving.condition("Progressing")[1] == "Complete"


@pytest.mark.parametrize(
    ("spec", "reason", "told"),
    [
        (
            {"model": {"uri": "pvc://no-such-claim/models", "name": "tiny"}},
            "VolumeClaimNotFound",
            "no-such-claim",
        ),
        ({"parallelism": {"tensor": 64}}, "InsufficientAccelerators", "spec.parallelism.tensor: 64"),
        (
            {"placement": {"hugepages": [{"pageSize": "1Gi", "size": "512Gi"}]}},
            "InsufficientHugePages",
            "spec.placement.hugepages",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_cluster_cannot_give_is_named_while_the_old_version_serves(
    serving: World, spec: dict[str, Any], reason: str, told: str
) -> None:
    serving.apply(serving.service(**spec))

    assert told in serving.wait_for("Progressing", reason)
    assert serving.condition("Ready")[:2] == ("True", "Routable")
    assert "data: [DONE]" in serving.chat()


def test_a_missing_secret_is_named_and_its_creation_is_enough(serving: World) -> None:
    serving.apply(serving.service(engine=serving.engine(apiKeySecretRef={"name": "keys", "key": "api"})))
    message = serving.wait_for("Progressing", "SecretNotFound")
    assert "spec.engine.apiKeySecretRef" in message
    assert "'keys'" in message
    assert serving.condition("Ready")[0] == "True"

    serving.run("create", "secret", "generic", "keys", "--from-literal=api=s3cret")

    serving.wait_until_complete()
    assert "s3cret" not in serving.run("get", "infsvc", CHAT, "-o", "yaml")


def test_a_missing_secret_of_a_volume_is_waited_for_and_its_creation_is_enough(serving: World) -> None:
    volumes = [{"name": "certificate", "secret": {"secretName": "tls"}}]
    # The kubelet waits only for what a container mounts.
    main = {"name": "main", "volumeMounts": [{"name": "certificate", "mountPath": "/etc/tls"}]}
    serving.apply(serving.service(template={"spec": {"volumes": volumes, "containers": [main]}}))
    message = serving.wait_for("Progressing", "WaitingForVolumes")
    assert "spec.template volume 'certificate': Secret 'tls'" in message
    assert serving.condition("Ready")[0] == "True"

    serving.run("create", "secret", "generic", "tls", "--from-literal=tls.crt=x")

    # The kubelet tries again after up to two minutes.
    serving.wait_until_complete(seconds=240)


def test_an_image_that_does_not_exist_is_named(serving: World) -> None:
    serving.apply(serving.service(engine=serving.engine(image="localhost/no-such-image:1")))

    message = serving.wait_for("Progressing", "ImagePullFailed")

    assert "spec.engine.image" in message
    assert "localhost/no-such-image:1" in message
    assert serving.condition("Ready")[0] == "True"


@pytest.mark.parametrize(
    ("spec", "reason", "told"),
    [
        ({"model": {"uri": "file:///etc", "name": "tiny"}}, "NodePathNotAllowed", "file:///etc"),
        (
            {"template": {"spec": {"hostNetwork": True}}},
            "ForbiddenTemplate",
            "spec.template.spec.hostNetwork",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_administrator_does_not_allow_is_not_accepted(
    serving: World, spec: dict[str, Any], reason: str, told: str
) -> None:
    before = serving.get("deployment", CHAT)["spec"]

    serving.apply(serving.service(**spec))

    assert told in serving.wait_for("Accepted", reason)
    assert serving.condition("Ready")[0] == "True"
    assert serving.get("deployment", CHAT)["spec"] == before


def test_awkward_text_reaches_the_engine_as_it_was_written(world: World) -> None:
    service = world.service(
        model={**world.service()["spec"]["model"], "name": AWKWARD},
        engine=world.engine(f"--chat-template={AWKWARD}", "--max-num-seqs", "8"),
        template={"metadata": {"annotations": {"example.com/awkward": AWKWARD}}},
    )
    world.apply(service)
    world.wait_until_complete()

    (pod,) = world.pods()
    assert pod["metadata"]["annotations"]["example.com/awkward"] == AWKWARD
    argv = json.loads(world.run("logs", pod["metadata"]["name"], "-c", "main").splitlines()[0])["argv"]
    assert f"--served-model-name={AWKWARD}" in argv
    assert f"--chat-template={AWKWARD}" in argv
    assert "data: [DONE]" in world.chat(AWKWARD)


def test_a_foreign_object_of_the_same_name_is_left_alone(world: World) -> None:
    world.run("create", "service", "clusterip", CHAT, "--tcp=80:80")
    before = world.get("service", CHAT)["spec"]

    world.apply(world.service())

    assert f"Service {world.namespace}/{CHAT}" in world.wait_for("Accepted", "NameTaken")
    assert world.get("service", CHAT)["spec"] == before
    world.run("delete", "service", CHAT)
    wait_until("the name is free and used", lambda: world.condition("Accepted")[0] == "True")
