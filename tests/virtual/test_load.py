"""Loads whose requests change over time."""

import pytest

from benchmarks.virtual.load import Phase, Stream, sent
from benchmarks.virtual.services import CHAT, DOCUMENTS
from setpoint.workload.arrivals import Burst

CHAT_ALONE, DOCUMENTS_ALONE = (Stream(CHAT),), (Stream(DOCUMENTS),)


def test_each_phase_sends_its_own_requests() -> None:
    phases = [Phase(100, 10, CHAT_ALONE), Phase(100, 10, DOCUMENTS_ALONE)]
    drawn = list(sent(phases, None, seed=1, block_size=16))
    assert all((request.prompt_tokens <= 768) is (seconds < 100) for seconds, request in drawn)
    assert len(drawn) == pytest.approx(2000, rel=0.1)


def test_streams_of_a_phase_share_its_rate_and_come_in_the_order_of_time() -> None:
    streams = Stream(CHAT, 0.9), Stream(DOCUMENTS, 0.1)
    drawn = list(sent([Phase(400, 20, streams)], None, seed=1, block_size=16))
    times = [seconds for seconds, _ in drawn]
    long = sum(request.prompt_tokens > 768 for _, request in drawn)
    assert times == sorted(times)
    assert len(drawn) == pytest.approx(8000, rel=0.05)
    assert long == pytest.approx(800, rel=0.15)


def test_a_phase_without_streams_sends_those_of_the_run() -> None:
    without = list(sent([Phase(10, 5)], CHAT, seed=3, block_size=16))
    again = list(sent([Phase(10, 5)], CHAT, seed=3, block_size=16))
    assert [(at, each.prompt_tokens) for at, each in without] == [
        (at, each.prompt_tokens) for at, each in again
    ]


def test_nothing_to_send_is_an_error() -> None:
    with pytest.raises(ValueError, match="give it one of them"):
        list(sent([Phase(10, 5)], None, seed=3, block_size=16))


def test_a_burst_sends_several_at_one_instant() -> None:
    phase = Phase(100, 10, CHAT_ALONE, Burst(20))
    times = [seconds for seconds, _ in sent([phase], None, seed=1, block_size=16)]
    assert len(times) == 20 * len(set(times))
