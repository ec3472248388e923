import asyncio
import os
import resource
import time

import pytest

from setpoint.loadgen.client import Client, Endpoint, new_session
from setpoint.loadgen.records import Record
from tests.loadgen import endpoint as does
from tests.loadgen.endpoint import MODEL, Behaviour, FakeEndpoint


async def ask(
    endpoint: FakeEndpoint, *, timeout_seconds: float = 30.0, tokens: int = 5, url: str | None = None
) -> Record:
    record = Record(0, 0.0, 0.0, tokens)
    known = Endpoint(url or endpoint.url, MODEL, "completions", api_key="secret")
    async with new_session() as session:
        client = Client(session, known, timeout_seconds, time.monotonic)
        await client.ask(known.body("a b c", tokens), record)
    return record


@pytest.mark.parametrize("behaviour", [does.behaves, does.dribbles])
async def test_an_answer_is_timed_token_by_token(endpoint: FakeEndpoint, behaviour: Behaviour) -> None:
    endpoint.behaviour = behaviour
    record = await ask(endpoint)
    assert (record.error, record.prompt_tokens, record.output_tokens) == (None, 5, 5)
    assert len(record.arrivals) == 5
    assert record.ended == record.arrivals[-1] >= record.arrivals[0]


async def test_one_giant_chunk_is_counted_by_its_usage(endpoint: FakeEndpoint) -> None:
    endpoint.behaviour = does.at_once
    record = await ask(endpoint, tokens=5000)
    assert (record.error, record.output_tokens, len(record.arrivals)) == (None, 5000, 1)


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (does.cuts, "cut"),
        (does.stops, "cut"),
        (does.html, "malformed"),
        (does.whole, "malformed"),
        (does.babbles, "malformed"),
        (does.nests, "malformed"),
        (does.counts_to_infinity, "malformed"),
        (does.never_ends_a_line, "malformed"),
        (does.has_a_giant_header, "malformed"),
        (does.packs, "malformed"),
        (does.never_ends_an_error, "http_500"),
        (does.fails_within, "stream_error"),
        (does.falls_short, "too_few_tokens"),
        (does.sheds, "http_503"),
    ],
)
async def test_a_failure_is_told_by_its_kind(
    endpoint: FakeEndpoint, behaviour: Behaviour, error: str
) -> None:
    endpoint.behaviour = behaviour
    record = await ask(endpoint)
    assert record.error == error
    assert record.ended is not None


async def test_an_answer_is_over_though_its_response_is_not(endpoint: FakeEndpoint) -> None:
    endpoint.behaviour = does.lingers
    begin = time.monotonic()
    record = await ask(endpoint)
    assert record.answered
    assert time.monotonic() - begin < 0.5


async def test_a_refusal_is_timed_though_its_reason_has_no_end(endpoint: FakeEndpoint) -> None:
    endpoint.behaviour = does.refuses_slowly
    begin = time.monotonic()
    record = await ask(endpoint)
    assert record.error == "http_500"
    assert (record.ended or 0.0) - begin < 0.5


@pytest.mark.parametrize("behaviour", [does.never_ends, does.hangs])
async def test_what_does_not_end_is_timed_out(endpoint: FakeEndpoint, behaviour: Behaviour) -> None:
    endpoint.behaviour = behaviour
    assert (await ask(endpoint, timeout_seconds=0.1)).error == "timeout"


async def test_a_port_where_nobody_listens_is_a_connection_error(endpoint: FakeEndpoint) -> None:
    assert (await ask(endpoint, url="http://127.0.0.1:9")).error == "connection"


async def test_a_connection_that_this_machine_cannot_open_is_no_fault_of_the_endpoint(
    endpoint: FakeEndpoint,
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    known = Endpoint(endpoint.url, MODEL, "completions")
    async with new_session() as session:
        client = Client(session, known, 30.0, time.monotonic)
        records = [Record(number, 0.0, 0.0, 5) for number in range(9)]
        next_free = os.dup(0)
        os.close(next_free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (next_free, hard))
        try:
            await asyncio.gather(*(client.ask(known.body("a", 5), record) for record in records))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert {record.error for record in records} == {"client"}


async def test_a_cancelled_request_has_no_end(endpoint: FakeEndpoint) -> None:
    endpoint.behaviour = does.never_ends
    record = Record(0, 0.0, 0.0, 5)
    arrived = asyncio.Event()

    def clock() -> float:
        arrived.set()
        return time.monotonic()

    known = Endpoint(endpoint.url, MODEL, "chat")
    async with new_session() as session:
        task = asyncio.create_task(Client(session, known, 30.0, clock).ask(known.body("a", 5), record))
        await arrived.wait()
        task.cancel()
        await asyncio.wait([task])
    assert (record.ended, record.error) == (None, None)


async def test_a_request_says_what_an_exact_measurement_needs(endpoint: FakeEndpoint) -> None:
    await ask(endpoint, tokens=7)
    (asked,) = endpoint.asked
    assert asked["stream_options"] == {"include_usage": True}
    assert (asked["max_tokens"], asked["ignore_eos"], asked["stream"]) == (7, True, True)


def test_the_key_is_not_shown() -> None:
    assert "secret" not in repr(Endpoint("http://x", MODEL, "chat", api_key="secret"))
