"""The engine against the clock: when tokens go out, who gets them, what a slow machine does."""

import asyncio
import time
from dataclasses import replace

import pytest

from setpoint.simulator.http.realtime import EngineDeadError
from setpoint.simulator.limits import Limits
from tests.simulator.http.builders import INSTANT, Running


async def test_a_step_brings_each_stream_one_token_and_no_other_time_does() -> None:
    running = Running()
    running.ask()
    seen = []
    for seconds in (0.99, 1.0, 1.5, 2.0, 2.99, 3.0):
        running.at(seconds)
        seen.append(sum(running.delivered))
    assert seen == [0, 1, 1, 2, 2, 3]


async def test_lateness_does_not_add_up() -> None:
    running = Running()
    running.ask(output_tokens=50)
    for number in range(1, 51):
        running.at(number + 0.09)
    assert [step.ended_seconds for step in running.told.steps] == [float(number) for number in range(1, 51)]
    assert {given_up for _, given_up in running.told.lags} == {0.0}


async def test_steps_that_are_overdue_come_at_once_and_in_order() -> None:
    running = Running(step_seconds=0.01)
    running.ask(output_tokens=8)
    running.at(0.045)
    assert running.delivered == [1, 1, 1, 1]
    assert running.told.lags[-1] == pytest.approx((0.035, 0.0))


async def test_time_that_a_slow_machine_cannot_make_up_for_is_given_up_and_told() -> None:
    running = Running()
    running.ask()
    running.at(1.5)
    assert running.told.lags[-1] == (0.5, 0.5)
    running.at(2.4)
    assert sum(running.delivered) == 1
    running.at(2.5)
    assert sum(running.delivered) == 2
    assert running.told.steps[-1].gap_seconds == 1.0


async def test_a_request_that_comes_after_a_step_was_due_finds_the_engine_as_it_is_then() -> None:
    running = Running(max_num_seqs=1)
    first = running.ask(output_tokens=1)
    running.clock.seconds = 1.05
    second = running.ask(output_tokens=1)
    assert first.ended.done()
    assert second.request.submitted_seconds == 1.05
    assert second.request.submitted_seconds <= (second.request.admitted_seconds or 0.0)


async def test_the_api_server_does_one_thing_at_a_time() -> None:
    busy = replace(INSTANT, request_seconds=0.25, output_token_seconds=0.1)
    running = Running(api_server=busy, async_scheduling=False)
    one, other = running.ask(output_tokens=2), running.ask(output_tokens=2)
    seen = []
    for tenths in range(41):
        running.at(tenths / 10 + 0.001)
        seen.append(sum(running.delivered))
    # Read at 0.25 and 0.5 s. The first step ends at 1.25; of the two tokens of the next, at 2.25,
    # one goes out at 2.35 and one at 2.45: here both in the middle.
    assert [seen.index(tokens) for tokens in (1, 3, 4)] == [13, 24, 33]
    assert one.ttft_seconds == pytest.approx(1.3)
    assert other.ttft_seconds == pytest.approx(2.35)
    assert other.request.submitted_seconds == 0.5


async def test_a_request_that_comes_while_tokens_go_out_delays_them() -> None:
    running = Running(api_server=replace(INSTANT, request_seconds=0.25, output_token_seconds=0.5))
    one = running.ask(output_tokens=1)
    for tenths in range(19):
        running.at(tenths / 10 + 0.001)
        if tenths == 13:  # its token is there since 1.25, and would go out at 1.5
            running.ask(output_tokens=1)
    assert one.ttft_seconds == pytest.approx(1.75)


async def test_a_client_that_leaves_before_it_was_read_never_reaches_the_engine() -> None:
    running = Running(api_server=replace(INSTANT, request_seconds=0.25))
    leaving = running.ask()
    assert running.replica.queued_tokens == leaving.request.prompt_tokens
    running.replica.cancel(leaving)
    running.at(2.0)
    assert (running.replica.unfinished, running.replica.queued_tokens, running.told.steps) == (0, 0, [])


async def test_a_request_that_does_not_stream_ends_all_the_same() -> None:
    running = Running()
    ticket = running.ask(stream=False)
    running.at(0.5)
    for seconds in (1.0, 2.0, 3.0):
        running.at(seconds)
    assert ticket.ended.done()
    assert running.told.ended == [ticket]
    assert running.delivered == []


async def test_a_client_that_leaves_makes_room() -> None:
    running = Running(max_num_seqs=1)
    leaving, waiting = running.ask(output_tokens=100), running.ask(output_tokens=1)
    running.at(1.0)
    running.replica.cancel(leaving)
    for seconds in (2.0, 3.0, 4.0):
        running.at(seconds)
    assert waiting.ended.done()
    assert running.replica.unfinished == 0


async def test_a_killed_engine_ends_what_runs_with_an_error_and_takes_nothing() -> None:
    running = Running()
    ticket = running.ask()
    running.replica.kill()
    with pytest.raises(EngineDeadError):
        await ticket.ended
    with pytest.raises(EngineDeadError):
        running.ask()
    await running.replica.drained()


async def test_an_engine_that_admits_nothing_finishes_what_runs_and_goes_on_when_it_may() -> None:
    running = Running()
    limits = Limits(8, 64)
    runs = running.ask(output_tokens=3)
    running.at(1.0)
    running.replica.admit_nothing(True)
    running.replica.set_limits(limits)
    waits = running.ask(output_tokens=1)
    for seconds in range(2, 10):
        running.at(float(seconds))
    assert runs.ended.done()
    assert not waits.ended.done()
    assert len(running.replica.engine.scheduler.waiting) == 1

    running.replica.admit_nothing(False)
    running.replica.set_limits(limits)
    running.at(10.0)
    assert waits.ended.done()


async def test_wakes_up_by_itself_when_a_step_is_over_and_when_work_comes_after_idling() -> None:
    running = Running(step_seconds=0.001, monotonic=time.monotonic)
    task = asyncio.create_task(running.replica.run())
    async with asyncio.timeout(10):
        for _ in range(2):
            await running.ask(output_tokens=5).ended
            await running.replica.drained()
    task.cancel()
    assert sum(running.delivered) == 10
