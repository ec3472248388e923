"""The live channel inside real vLLM on the CPU, in three releases of it, held to the simulator's contract."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from e2e import images
from e2e.clusters import Cluster
from e2e.contract.client import Engine
from e2e.contract.live_channel import FIRST, Channel, LiveChannelContract, Watcher
from e2e.images import older_vllm
from e2e.installation import port_forward
from e2e.scenarios import volumes
from e2e.scenarios.test_real_vllm import STARTUP_SECONDS
from e2e.scenarios.world import CHAT, World

pytestmark = [pytest.mark.e2e, pytest.mark.vllm_cpu]

ANNOTATION = "example.com/limits"
"""In place of Setpoint's own, which nobody else may write."""
LIMITS, OLDER = "/etc/contract", "/opt/older-vllm"
ARGS = ("--max-num-seqs=16", "--max-num-batched-tokens=1024")


def template(*, older: bool) -> dict[str, Any]:
    """What a pod needs for a limits file of the contract's, and a release of vLLM before the image's own."""
    field = {"fieldPath": f"metadata.annotations['{ANNOTATION}']"}
    volumes: list[dict[str, Any]] = [
        {"name": "limits", "downwardAPI": {"items": [{"path": "limits.json", "fieldRef": field}]}},
    ]
    mounts = [{"name": "limits", "mountPath": LIMITS}]
    if older:
        volumes.append({"name": "older", "persistentVolumeClaim": {"claimName": "older", "readOnly": True}})
        mounts.append({"name": "older", "mountPath": OLDER})
    env = {
        "PYTHONPATH": OLDER if older else "",
        "SETPOINT_LIMITS_ANNOTATION_FILE": f"{LIMITS}/limits.json",
    }
    main = {
        "name": "main",
        "env": [{"name": name, "value": value} for name, value in env.items()],
        "volumeMounts": mounts,
    }
    return {
        "metadata": {"annotations": {ANNOTATION: FIRST}},
        "spec": {"containers": [main], "volumes": volumes},
    }


@pytest.fixture(scope="class")
def older(request: pytest.FixtureRequest, class_world: World, cluster: Cluster) -> Iterator[bool]:
    """Whether a release of vLLM other than the image's is to run; its claim is there then."""
    version = request.cls.version
    if version is None:
        yield False
        return
    if cluster.name != "local":
        pytest.skip(f"the nodes of a {cluster.name} cluster do not see vLLM {version} on this machine")
    name = f"{class_world.namespace}-vllm"
    node = class_world.get("nodes")[0]
    folder = older_vllm.ensure(version)
    class_world.apply(volumes.volume(name, str(folder), node["metadata"]["labels"]["kubernetes.io/hostname"]))
    class_world.apply(volumes.claim("older", name))
    yield True
    class_world.kubectl.run("delete", "persistentvolume", name, "--wait=false")


@pytest.fixture(scope="class")
def channel(class_world: World, vllm_cpu: images.Image, older: bool) -> Iterator[Channel]:
    """Real vLLM with the plugin as Setpoint delivers it, reached from here; an annotation of the pod is its
    limits file.
    """
    world = class_world
    engine = world.engine(*images.ENGINE_ARGS["vllm-cpu"], *ARGS, image=vllm_cpu.reference)
    world.apply(world.service(engine=engine, template=template(older=older)))
    world.wait_until_complete(seconds=STARTUP_SECONDS)

    def write(text: str) -> None:
        (pod,) = [pod for pod in world.pods() if "deletionTimestamp" not in pod["metadata"]]
        change = json.dumps({"metadata": {"annotations": {ANNOTATION: text}}})
        world.run("patch", "pod", pod["metadata"]["name"], "--type=merge", f"--patch={change}")

    with port_forward(world.kubectl, world.namespace, CHAT) as port:
        yield Channel(Engine(f"http://127.0.0.1:{port}", "tiny", ""), write)


class RealVllm(LiveChannelContract):
    """What the channel must do, by real engines."""

    version: str | None = None
    """The release; None is that of the image."""

    async def test_several_sequences_of_one_request_get_a_verdict_each(self, watcher: Watcher) -> None:
        await watcher.promise(600)
        asked = (watcher.complete(n=3), watcher.complete(prompt=["baba", "bebe"]))
        found = await watcher.verdicts_on(*asked)
        assert found["setpoint_requests_total", "", "good"] == 5

    @pytest.mark.parametrize("path", ["/tokenize", "//tokenize", "/invocations", "/docs", "/openapi.json"])
    async def test_paths_that_answer_without_a_key_are_closed(self, watcher: Watcher, path: str) -> None:
        assert (await watcher.client.get(path)).status == 404

    async def test_what_is_in_force_can_be_read(self, watcher: Watcher) -> None:
        watcher.want({"seqs": 7})
        await watcher.wait("seqs", 7)
        found = (await watcher.client.get("/setpoint/limits")).json
        assert (found["writer"], found["ranks"]["0"]["limits"]["seqs"]) == ("contract", 7)


class TestVllm032(RealVllm):
    """The release in the image, whose limits drain by themselves."""


class TestVllm031(RealVllm):
    """The first release whose limits drain by themselves."""

    version = "0.31.0"


class TestVllm030(RealVllm):
    """The last release in which a lower limit has to be written before every step."""

    version = "0.30.0"
