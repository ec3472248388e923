from dataclasses import replace

import pytest

from setpoint.simulator.engine import NEVER, Engine, Shed
from setpoint.simulator.limits import Limits
from setpoint.simulator.request import Request
from tests.simulator.builders import config, engine


def limited(running: Engine, **changed: int) -> Limits:
    return running.set_limits(replace(Limits.of(running.scheduler.config), **changed))


def finish(running: Engine, request: Request) -> float:
    while request.finished_seconds is None:
        running.advance()
    return request.finished_seconds


def test_an_engine_without_requests_runs_no_step() -> None:
    assert engine().step_ends_seconds == NEVER


@pytest.mark.parametrize(("asynchronous", "first_token"), [(False, 2.0), (True, 3.0)])
def test_a_request_waits_for_the_steps_that_are_already_scheduled(
    asynchronous: bool, first_token: float
) -> None:
    running = engine(async_scheduling=asynchronous)
    running.submit(Request(16, 9), 0.0)
    late = Request(16, 9)
    running.submit(late, 0.5)
    finish(running, late)
    assert late.first_token_seconds == first_token


def test_each_step_brings_one_token() -> None:
    running = engine()
    request = Request(600, 5)
    running.submit(request, 10.0)
    assert finish(running, request) == 10.0 + 3 + 4  # three chunks of 256, then four more tokens
    assert request.first_token_seconds == 13.0
    assert running.step_ends_seconds == NEVER


def test_a_request_beyond_the_queue_limit_is_shed() -> None:
    running = engine()
    limited(running, max_num_queued_reqs=2)
    for _ in range(2):
        running.submit(Request(16, 4), 0.0)
    with pytest.raises(Shed, match="max_num_queued_reqs"):
        running.submit(Request(16, 4), 0.0)


def test_a_request_is_shed_once_the_queued_tokens_are_reached() -> None:
    running = engine()
    limited(running, max_num_queued_tokens=100)
    first = Request(99, 4)
    running.submit(first, 0.0)
    running.submit(Request(500, 4), 0.0)
    with pytest.raises(Shed, match="max_num_queued_tokens"):
        running.submit(Request(16, 4), 0.0)
    while first.first_token_seconds is None or running.scheduler.queued_tokens:
        running.advance()
    running.submit(Request(16, 4), running.step_ends_seconds)


def test_lowering_the_active_sequences_preempts_nobody() -> None:
    running = engine()
    requests = [Request(16, 6) for _ in range(6)]
    for request in requests:
        running.submit(request, 0.0)
    running.advance()
    running.advance()
    limited(running, max_num_active_seqs=2)
    assert len(running.scheduler.running) == 6
    for request in requests:
        finish(running, request)
    assert running.scheduler.preemptions == 0


def test_limits_are_kept_within_what_the_engine_was_started_with() -> None:
    running = engine(max_num_seqs=8, max_num_batched_tokens=256)
    assert running.set_limits(Limits(99, 9999)) == Limits(8, 256)
    assert running.set_limits(Limits(0, 0)) == Limits(1, 1)
    assert running.set_limits(Limits(5, 1)) == Limits(5, 5)


def test_what_is_submitted_before_an_engine_is_ready_waits() -> None:
    running = engine(ready_seconds=100.0)
    request = Request(16, 1)
    running.submit(request, 3.0)
    assert finish(running, request) == 101.0


@pytest.mark.parametrize(
    ("prompt", "output", "told"), [(0, 1, "at least 1"), (1, 0, "at least 1"), (2000, 49, "max_model_len")]
)
def test_a_request_that_can_never_run_is_refused(prompt: int, output: int, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        engine().submit(Request(prompt, output), 0.0)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"max_num_batched_tokens": 4}, r"max_num_batched_tokens \(4\) must be greater"),
        ({"kv_blocks": 100}, r"max_model_len \(2048\) is more than the KV cache holds \(1600 tokens\)"),
        ({"max_num_seqs": 0}, r"max_num_seqs \(0\) must be at least 1"),
    ],
)
def test_what_vllm_refuses_at_start_is_refused(changed: dict[str, int], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        config(**changed)
