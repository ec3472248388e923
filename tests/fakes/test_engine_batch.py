"""The stand-in's batching: who runs, who waits, who is refused, and what is counted."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import pytest

from e2e.fakes.engine.batch import Batch, EngineDeadError, QueueFullError
from e2e.fakes.engine.behaviour import Behaviour
from e2e.fakes.engine.metrics import Metrics, buckets_1_2_5


class Fixture:
    """A batch that says a token a millisecond."""

    def __init__(self, *, running: int = 1, in_flight: int | None = None) -> None:
        self.metrics = Metrics("tiny", 512)
        behaviour = Behaviour(prefill_seconds=0, inter_token_seconds=0.001, answer_tokens=5)
        self.batch = Batch(behaviour, self.metrics, running, in_flight)

    async def answer(self, max_tokens: int = 3, *, ignore_eos: bool = False) -> tuple[int, str | None]:
        """Tokens of one answer, and why it ended."""
        tokens = [token async for token in self.batch.generate(2, max_tokens, ignore_eos=ignore_eos)]
        return len(tokens), tokens[-1].finish_reason

    def value(self, name: str, **labels: str) -> float | None:
        """A sample's value."""
        return self.metrics.registry.get_sample_value(name, {"model_name": "tiny", "engine": "0", **labels})


async def until(condition: Callable[[], object]) -> None:
    """Let other tasks run until `condition()` holds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_an_answer_ends_by_length_or_by_itself() -> None:
    fixture = Fixture()
    assert await fixture.answer(max_tokens=3) == (3, "length")
    assert await fixture.answer(max_tokens=9) == (5, "stop")
    assert await fixture.answer(max_tokens=9, ignore_eos=True) == (9, "length")


async def test_no_more_run_at_once_than_max_num_seqs() -> None:
    fixture = Fixture(running=2)
    answers = [asyncio.create_task(fixture.answer(max_tokens=50, ignore_eos=True)) for _ in range(3)]
    await until(lambda: fixture.value("vllm:num_requests_running") == 2)
    assert fixture.value("vllm:num_requests_waiting") == 1
    assert await asyncio.gather(*answers) == [(50, "length")] * 3
    assert (fixture.value("vllm:num_requests_running"), fixture.value("vllm:num_requests_waiting")) == (0, 0)


async def test_beyond_the_limit_of_requests_under_way_one_is_refused_and_counted() -> None:
    fixture = Fixture(running=1, in_flight=2)
    answers = [asyncio.create_task(fixture.answer(max_tokens=50, ignore_eos=True)) for _ in range(2)]
    await until(lambda: fixture.value("vllm:num_requests_waiting") == 1)
    with pytest.raises(QueueFullError):
        await fixture.answer()
    labels = {"model_name": "tiny", "reason": "max_num_queued_reqs"}
    assert fixture.metrics.registry.get_sample_value("vllm:admission_rejections_total", labels) == 1
    assert await asyncio.gather(*answers) == [(50, "length")] * 2


async def test_a_client_that_leaves_gives_its_turn_back() -> None:
    fixture = Fixture(running=1)
    leaving = asyncio.create_task(fixture.answer(max_tokens=10_000, ignore_eos=True))
    await until(lambda: fixture.value("vllm:generation_tokens_total"))
    leaving.cancel()
    with suppress(asyncio.CancelledError):
        await leaving
    assert await fixture.answer() == (3, "length")
    assert fixture.value("vllm:request_success_total", finished_reason="abort") == 1


async def test_a_killed_engine_fails_its_requests_and_is_drained() -> None:
    fixture = Fixture()
    answer = asyncio.create_task(fixture.answer(max_tokens=10_000, ignore_eos=True))
    await until(lambda: fixture.value("vllm:generation_tokens_total"))
    fixture.batch.kill()
    with pytest.raises(EngineDeadError):
        await answer
    await fixture.batch.drained()


def test_token_buckets_end_at_the_longest_sequence() -> None:
    assert buckets_1_2_5(512) == (1, 2, 5, 10, 20, 50, 100, 200, 500)
    assert buckets_1_2_5(1000)[-1] == 1000


@pytest.mark.parametrize("value", ["-1", "x", "inf", "nan"])
def test_a_behaviour_that_is_no_number_is_named(value: str) -> None:
    with pytest.raises(ValueError, match="FAKE_ENGINE_LOAD_SECONDS"):
        Behaviour.from_environment({"FAKE_ENGINE_LOAD_SECONDS": value})
