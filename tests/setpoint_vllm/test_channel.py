import asyncio
import logging
import time
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from setpoint_vllm import channel as channel_module
from setpoint_vllm import state
from setpoint_vllm.channel import Channel
from setpoint_vllm.limits_file import MAX_CHARACTERS, parse
from tests.setpoint_vllm.builders import EngineClient, Scheduler, limits_text


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    return tmp_path / "limits.json"


def limits_of(channel: Channel, rank: int = 0) -> dict[str, int]:
    limits: dict[str, int] = channel.ranks[str(rank)]["limits"]
    return limits


async def test_what_the_file_wants_is_in_force_in_every_rank_and_shown(file: Path) -> None:
    file.write_text(limits_text(generation=7, writer="w", limits={"seqs": 4, "queuedReqs": 9}))
    client = EngineClient(Scheduler(seqs=16), Scheduler(seqs=2))
    channel = Channel(client, (file,))
    await channel.look()
    assert [core.scheduler.max_num_active_reqs for core in client.cores] == [4, 2]

    def shown(name: str, **labels: str) -> float | None:
        return REGISTRY.get_sample_value(f"setpoint_engine_limit{name}", {"engine": "1"} | labels)

    assert shown("", limit="seqs") == 2
    assert shown("", limit="queuedReqs") == 9
    assert shown("_start", limit="tokens") == 1024
    assert shown("_generation", writer="w") == 7
    assert abs(time.time() - (shown("_confirmed_timestamp_seconds") or 0)) < 60


async def test_the_limits_of_a_newer_file_are_not_shown_as_those_of_an_older_ones_writer(file: Path) -> None:
    client = EngineClient()
    file.write_text(limits_text(generation=3, writer="of old", limits={"seqs": 4, "queuedReqs": 9}))
    await Channel(client, (file,)).look()
    older = state.believed
    file.write_text(limits_text(generation=4, writer="of late", limits={"seqs": 5, "queuedReqs": 8}))
    await Channel(client, (file,)).look()
    state.believed = older  # as in another API server, which has not read the file since
    await Channel(client, ()).look()

    def shown(name: str, **labels: str) -> float | None:
        return REGISTRY.get_sample_value(f"setpoint_engine_limit{name}", {"engine": "0"} | labels)

    assert (shown("_generation", writer="of old"), shown("_generation", writer="of late")) == (3, 4)
    assert (shown("", limit="seqs"), shown("", limit="queuedReqs")) == (5, 8)


async def test_the_file_of_the_higher_generation_wins(file: Path, tmp_path: Path) -> None:
    annotation = tmp_path / "annotation"
    channel = Channel(EngineClient(), (file, annotation))
    file.write_text(limits_text(generation=2, limits={"seqs": 5}))
    annotation.write_text(limits_text(generation=1, limits={"seqs": 3}))
    await channel.look()
    assert limits_of(channel)["seqs"] == 5
    annotation.write_text(limits_text(generation=3, limits={"seqs": 3}))
    await channel.look()
    assert limits_of(channel)["seqs"] == 3


@pytest.mark.parametrize(
    "garbage", [b"{", b"\xff\xfe", b"[" * 60_000, b" " * 10_000_000, b'{"generation": 9}']
)
async def test_garbage_keeps_the_last_good_value_and_is_told_once(
    file: Path, garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    channel = Channel(EngineClient(), (file,))
    file.write_text(limits_text(generation=2, limits={"seqs": 5}))
    await channel.look()
    file.write_bytes(garbage)
    with caplog.at_level(logging.WARNING):
        await channel.look()
        await channel.look()
    assert limits_of(channel)["seqs"] == 5
    assert len(caplog.records) == 1


async def test_a_file_counts_as_long_as_its_text_whatever_ends_its_lines(file: Path) -> None:
    text = limits_text(limits={"seqs": 5}) + "\r\n" * (MAX_CHARACTERS // 2)
    with pytest.raises(ValueError, match="longer"):
        parse(text)
    file.write_bytes(text.encode())
    channel = Channel(EngineClient(), (file,))

    await channel.look()

    assert limits_of(channel)["seqs"] == 16


async def test_a_file_that_goes_or_dangles_keeps_the_last_good_value(file: Path, tmp_path: Path) -> None:
    channel = Channel(EngineClient(), (file,))
    file.write_text(limits_text(limits={"seqs": 5}))
    await channel.look()
    file.unlink()
    await channel.look()
    file.symlink_to(tmp_path / "nowhere")
    await channel.look()
    assert limits_of(channel)["seqs"] == 5


async def test_without_a_file_the_start_values_are_told() -> None:
    channel = Channel(EngineClient(), ())
    await channel.look()
    assert channel.has_asked
    assert limits_of(channel) == {"seqs": 16, "tokens": 1024, "longPrefill": 0}


async def test_ranks_are_not_asked_again_at_each_look(file: Path) -> None:
    client = EngineClient()
    channel = Channel(client, (file,))
    for _ in range(3):
        await channel.look()
    assert client.calls == 1


async def test_a_lease_that_ran_out_gives_the_start_values_back(file: Path) -> None:
    file.write_text(limits_text(expires=time.time() - 1000, limits={"seqs": 5}))
    channel = Channel(EngineClient(), (file,))
    await channel.look()
    assert limits_of(channel)["seqs"] == 16


async def test_a_rank_that_does_not_answer_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel_module, "CALL_SECONDS", 0.01)
    client = EngineClient()
    answer = client._call_utility_async

    async def hang(*arguments: Any, **options: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(client, "_call_utility_async", hang)
    channel = Channel(client, ())
    await channel.look()
    assert not channel.has_asked
    monkeypatch.setattr(client, "_call_utility_async", answer)
    await channel.look()
    assert channel.has_asked


@pytest.mark.parametrize("client", [None, object(), EngineClient(object())])
async def test_an_engine_that_does_not_fit_is_told_and_start_up_goes_on(client: Any) -> None:
    channel = Channel(client, ())
    await channel.look()
    assert channel.has_asked
    assert REGISTRY.get_sample_value("setpoint_engine_limits_supported") == 0


async def test_objectives_are_believed_as_soon_as_they_are_read(file: Path) -> None:
    objective = {"name": "first-token", "metric": "TimeToFirstToken", "threshold": 1}
    file.write_text(limits_text(objectives=[objective]))
    await Channel(None, (file,)).look()
    assert [each.name for each in state.believed.objectives] == ["first-token"]
