"""The live channel inside real vLLM on the CPU, in three releases of it, held to the simulator's contract."""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, ClassVar

import pytest

from e2e import images
from e2e.clusters import Cluster
from e2e.contract.client import Engine, Samples
from e2e.contract.live_channel import (
    CLIENTS,
    FIRST,
    REQUESTS,
    TOKENS,
    Channel,
    LiveChannelContract,
    Watcher,
    WithWatcher,
)
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
DRAFTS = 3
"""Tokens that are drafted for a sequence in a step, where any are."""


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
def channel(
    request: pytest.FixtureRequest, class_world: World, vllm_cpu: images.Image, older: bool
) -> Iterator[Channel]:
    """Real vLLM with the plugin as Setpoint delivers it, reached from here; an annotation of the pod is its
    limits file.
    """
    world = class_world
    args = (*images.ENGINE_ARGS["vllm-cpu"], *ARGS, *request.cls.args)
    engine = world.engine(*args, image=vllm_cpu.reference)
    manifest = world.service(engine=engine, template=template(older=older), **request.cls.spec)
    world.apply(manifest)
    world.wait_until_complete(seconds=STARTUP_SECONDS)

    def write(text: str) -> None:
        (pod,) = [pod for pod in world.pods() if "deletionTimestamp" not in pod["metadata"]]
        change = json.dumps({"metadata": {"annotations": {ANNOTATION: text}}})
        world.run("patch", "pod", pod["metadata"]["name"], "--type=merge", f"--patch={change}")

    with port_forward(world.kubectl, world.namespace, CHAT) as port:
        yield Channel(Engine(f"http://127.0.0.1:{port}", "tiny", ""), write)


class Started(WithWatcher):
    """How the engine of a class of tests is started."""

    version: str | None = None
    """The release; None is that of the image."""
    args: tuple[str, ...] = ()
    """Further arguments."""
    spec: ClassVar[Mapping[str, Any]] = {}
    """Further fields of the InferenceService's spec."""


class RealVllm(LiveChannelContract, Started):
    """What the channel must do, by real engines."""

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


class TestTwoRanksBehindTwoServers(Started):
    """Data parallel, two API servers: a limit is each rank's, and verdicts are of both servers."""

    args = ("--data-parallel-size=2", "--api-server-count=2")

    async def test_the_first_answer_comes_within_the_limits_in_every_rank(self, watcher: Watcher) -> None:
        # First of the class: nothing was written since the start.
        samples = await watcher.samples()
        assert of_ranks(samples, "setpoint_engine_limit", "seqs") == [3, 3]
        assert of_ranks(samples, "setpoint_engine_limit", "tokens") == [256, 256]
        assert of_ranks(samples, "setpoint_engine_limit_start", "seqs") == [16, 16]

    async def test_each_rank_keeps_to_a_limit_that_moves_down_and_up_under_load(
        self, watcher: Watcher
    ) -> None:
        async with watcher.load():
            for sequences in (16, 2, 6):
                watcher.want({"seqs": sequences})
                await watcher.wait_until("it holds in each rank", partial(each_rank_runs_within, sequences))
                await watcher.wait_until("each rank runs some", each_rank_runs)
                seen = await watcher.watched()
                assert all(each_rank_runs_within(sequences, samples) for samples in seen)
        assert {reply.status for reply in watcher.replies} == {200}

    async def test_each_request_and_latency_has_one_verdict(self, watcher: Watcher) -> None:
        await watcher.promise(600)
        await watcher.watched()  # each server reads the file for itself, and only one has told of it yet
        assert await watcher.verdicts_on(*(watcher.complete() for _ in range(CLIENTS))) == {
            (REQUESTS, "", "good"): CLIENTS,
            ("setpoint_tokens_total", "InterTokenLatency", "good"): CLIENTS * (TOKENS - 1),
            ("setpoint_tokens_total", "TimeToFirstToken", "good"): CLIENTS,
        }


class TestTwoWorkersThatDraft(Started):
    """Tensor parallel, with speculative decoding: a sequence takes a step's tokens for its drafts too."""

    args = (
        f'--speculative-config={{"method": "ngram", "num_speculative_tokens": {DRAFTS},'
        ' "prompt_lookup_max": 3}',
    )
    spec: ClassVar[Mapping[str, Any]] = {"parallelism": {"tensor": 2}}

    async def test_the_first_answer_comes_within_the_limits_of_the_file(self, watcher: Watcher) -> None:
        samples = await watcher.samples()
        assert of_ranks(samples, "setpoint_engine_limit", "seqs") == [3]
        assert of_ranks(samples, "setpoint_engine_limit", "tokens") == [256]

    async def test_sequences_move_down_and_up_under_load_without_an_error(self, watcher: Watcher) -> None:
        async with watcher.load():
            for sequences in (16, 4, 16):
                watcher.want({"seqs": sequences})
                await watcher.wait("seqs", sequences)
                await watcher.wait_until_run(sequences)
        assert {reply.status for reply in watcher.replies} == {200}

    async def test_no_running_sequence_is_left_without_its_drafts(self, watcher: Watcher) -> None:
        watcher.want({"tokens": 1})
        await watcher.wait("tokens", 16 * (1 + DRAFTS))
        async with watcher.load():
            await watcher.wait_until_run(16)
            assert (await watcher.complete()).status == 200

    async def test_the_text_is_the_same_at_every_limit(self, watcher: Watcher) -> None:
        whole = await watcher.text()
        watcher.want({"seqs": 1, "tokens": 16})
        await watcher.wait("tokens", 16)
        assert await watcher.text() == whole

    async def test_each_request_and_first_token_has_one_verdict(self, watcher: Watcher) -> None:
        await watcher.promise(600)
        found = await watcher.verdicts_on(*(watcher.complete() for _ in range(8)))
        gaps = found.pop(("setpoint_tokens_total", "InterTokenLatency", "good"))
        assert found == {
            (REQUESTS, "", "good"): 8,
            ("setpoint_tokens_total", "TimeToFirstToken", "good"): 8,
        }
        # A gap is one of vLLM's, between outputs: one output has all tokens that were drafted right.
        assert 8 * (TOKENS // (1 + DRAFTS) - 1) <= gaps <= 8 * (TOKENS - 1)


def each_rank_runs_within(sequences: int, samples: Samples) -> bool:
    """Whether each of two ranks has this limit, and runs no more."""
    in_force = of_ranks(samples, "setpoint_engine_limit", "seqs")
    return in_force == [sequences] * 2 and all(each <= sequences for each in running_in_ranks(samples))


def each_rank_runs(samples: Samples) -> bool:
    """Whether each of two ranks runs anything."""
    ran = running_in_ranks(samples)
    return len(ran) == 2 and min(ran) > 0


def of_ranks(samples: Samples, name: str, limit: str) -> list[float]:
    """A limit of every rank."""
    return [value for key, value in sorted(samples.items()) if key[0] == name and key[-1] == limit]


def running_in_ranks(samples: Samples) -> list[float]:
    """How many requests run in each rank."""
    return [value for key, value in sorted(samples.items()) if key[0] == "vllm:num_requests_running"]
