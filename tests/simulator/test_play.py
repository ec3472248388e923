import pytest

from setpoint.simulator.limits import Limits
from setpoint.simulator.play import RETRY_SECONDS, Play, Sent
from setpoint.simulator.record import Outcome
from setpoint.simulator.replica import Replica
from setpoint.simulator.request import Request
from setpoint.simulator.router import ROUTERS, Router, round_robin
from tests.simulator.builders import engine, parameters


def replica(seconds: float = 1.0, ready_seconds: float = 0.0, **costs: float) -> Replica:
    """Return one whose API server costs nothing but what is given."""
    started = engine(seconds, ready_seconds=ready_seconds, async_scheduling=False)
    free = {"request_seconds": 0.0, "prompt_token_seconds": 0.0, "output_token_seconds": 0.0}
    return Replica(started, parameters(**free | costs))


def play(replicas: list[Replica], requests: list[Sent], router: Router | None = None) -> Play:
    started = Play(replicas, 0.0, router)
    started.send(requests)
    started.run_until(1000.0)
    return started


def routed(replicas: list[Replica], router: str, requests: list[Sent]) -> list[int]:
    """Return how many prompt tokens each replica looked up: requests have different ones."""
    play(replicas, requests, ROUTERS[router]())
    return [each.engine.scheduler.prefix_cache_queries for each in replicas]


def test_a_client_sees_when_its_tokens_come() -> None:
    record = play([replica()], [(10.0, Request(16, 5))]).record
    (answer,) = record.answers
    assert (answer.sent_seconds, answer.ttft_seconds, answer.mean_itl_seconds) == (10.0, 1.0, 1.0)
    assert answer.e2e_seconds == 5.0
    figures = record.figures(0.0, 20.0)
    assert (figures.tok_s, figures.req_s) == (0.25, 0.05)
    assert figures.itl is not None
    assert figures.itl.p99 == 1.0


def test_a_window_counts_what_comes_in_it_from_any_replica() -> None:
    replicas = [replica(output_token_seconds=0.3), replica(0.7)]
    requests = [(0.1 * number, Request(16, 1 + number % 5)) for number in range(16)]
    record = play(replicas, requests).record
    for start, end in ((0.0, 4.0), (4.0, 6.0), (6.0, 30.0)):
        firsts = sorted(ttft for at, ttft in record.first_tokens if start <= at < end)
        gaps = sum(number for at, _, number in record.gaps if start <= at < end)
        answers = sum(start <= answer.ended_seconds < end for answer in record.answers)
        figures = record.figures(start, end)
        assert figures.tok_s * (end - start) == pytest.approx(len(firsts) + gaps)
        assert figures.req_s * (end - start) == pytest.approx(answers)
        assert figures.ttft is None or figures.ttft.p99 == firsts[-1]


def test_a_window_counts_what_comes_in_it() -> None:
    record = play([replica()], [(10.0, Request(16, 5))]).record
    figures = record.figures(12.0, 14.0)  # the second and third token, and no first
    assert figures.tok_s == 1.0
    assert (figures.ttft, figures.e2e, figures.req_s) == (None, None, 0.0)


def test_the_api_server_does_one_thing_at_a_time() -> None:
    record = play([replica(request_seconds=2.0)], [(0.0, Request(16, 1)), (0.0, Request(16, 1))]).record
    # The first token is there at 3, while the second request is being read until 4.
    assert [ttft for _, ttft in record.first_tokens] == [4.0, 5.0]


def test_the_api_server_hands_out_one_token_after_another() -> None:
    record = play([replica(output_token_seconds=0.25)], [(0.0, Request(16, 3)) for _ in range(4)]).record
    # The first step has the first request alone, the second one token for each of the four.
    assert [ttft for _, ttft in record.first_tokens] == [1.25, 3.0, 3.0, 3.0]


def test_a_request_that_is_read_while_tokens_go_out_delays_those_after_it() -> None:
    started = replica(request_seconds=0.25, output_token_seconds=0.5)
    record = play([started], [(0.0, Request(16, 5)), (1.0, Request(16, 5)), (2.5, Request(16, 5))]).record
    undisturbed = play([started], [(100.0, Request(16, 5)), (101.0, Request(16, 5))]).record
    assert max(gap for _, gap, _ in record.gaps) > max(gap for _, gap, _ in undisturbed.gaps)


def test_a_shed_client_sends_its_next_request_later() -> None:
    started = replica()
    started.engine.set_limits(Limits(8, 256, max_num_queued_reqs=1))
    followed: list[float] = []

    def next_of(request: Request, now: float) -> Sent | None:
        followed.append(now)
        return None

    playing = Play([started], 0.0, next_of=next_of)
    playing.send([(0.0, Request(16, 5)), (0.5, Request(16, 5))])
    playing.run_until(100.0)
    assert playing.record.shed == [(0.5, "max_num_queued_reqs")]
    assert followed == [0.5 + RETRY_SECONDS, 5.0]


def test_a_request_that_is_too_long_is_refused_and_the_others_go_on() -> None:
    record = play([replica()], [(0.0, Request(2000, 49)), (1.0, Request(16, 1))]).record
    assert (record.too_long, record.shed) == ([0.0], [])
    assert [answer.sent_seconds for answer in record.answers] == [1.0]


def test_what_was_sent_is_answered_refused_or_under_way() -> None:
    started = replica()
    started.engine.set_limits(Limits(8, 256, max_num_queued_reqs=1))
    playing = Play([started], 0.5)
    playing.send([(0.0, Request(16, 3)), (1.0, Request(16, 3)), (3.0, Request(2000, 49))])
    playing.send([(4.0, Request(16, 3)), (9.8, Request(16, 3)), (10.0, Request(16, 3))])
    playing.run_until(10.0)
    assert playing.outcome(10.0) == Outcome(5, 2, {"max_num_queued_reqs": 1}, 1, 1)


def test_no_request_goes_to_a_replica_that_still_starts() -> None:
    replicas = [replica(), replica(ready_seconds=50.0)]
    requests = [(float(second), Request(16, 1)) for second in (0, 20, 60, 80)]
    assert routed(replicas, "round-robin", requests) == [48, 16]


def test_requests_are_shed_while_no_replica_is_ready() -> None:
    record = play([replica(ready_seconds=50.0)], [(1.0, Request(16, 1)), (51.0, Request(16, 1))]).record
    assert record.shed == [(1.0, "not_ready")]
    assert len(record.answers) == 1


def test_round_robin_takes_one_after_the_other() -> None:
    requests = [(float(second), Request(16, 1)) for second in range(4)]
    assert routed([replica(), replica()], "round-robin", requests) == [32, 32]


def test_least_waiting_goes_round_a_full_replica() -> None:
    replicas = [replica(), replica()]
    replicas[0].engine.set_limits(Limits(1, 256))
    for _ in range(3):
        replicas[0].engine.submit(Request(16, 100), 0.0)
    requests = [(1.0 + second / 100, Request(1, 1)) for second in range(3)]
    play(replicas, requests, ROUTERS["least-waiting"]())
    assert replicas[1].engine.scheduler.prefix_cache_queries == 3


def test_prefix_aware_sends_a_prompt_to_where_its_prefix_is() -> None:
    replicas = [replica(), replica()]
    requests = [
        (float(10 * turn), Request(100, 1, [(turn % 3, block) for block in range(6)])) for turn in range(9)
    ]
    play(replicas, requests, ROUTERS["prefix-aware"]())
    hits = sum(each.engine.scheduler.prefix_cache_hits for each in replicas)
    assert hits == 6 * 96  # all but the first of each of three prefixes


def test_prefix_aware_leaves_a_replica_with_too_long_a_queue() -> None:
    replicas = [replica(), replica()]
    keys = [("popular", block) for block in range(6)]
    play(replicas, [(0.0, Request(100, 1, keys))], ROUTERS["prefix-aware"]())
    replicas[0].engine.set_limits(Limits(1, 256))
    router = ROUTERS["prefix-aware"]()
    chosen = []
    for _ in range(8):
        request = Request(100, 50, keys)
        chosen.append(replicas.index(router(replicas, request)))
        replicas[chosen[-1]].engine.submit(request, 2000.0)
    assert chosen[0] == 0
    assert 1 in chosen


@pytest.mark.parametrize("requests", [[], [(2000.0, Request(16, 1))]])
def test_nothing_is_seen_where_nothing_comes(requests: list[Sent]) -> None:
    figures = play([replica()], requests, round_robin()).record.figures(0.0, 1000.0)
    assert (figures.tok_s, figures.req_s, figures.ttft, figures.itl) == (0.0, 0.0, None, None)
