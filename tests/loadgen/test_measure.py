import re
from random import Random

import pytest

from setpoint.loadgen.measure import measure
from setpoint.loadgen.records import TICK_SECONDS, Record
from setpoint.loadgen.report import ClosedLoop, Replay
from setpoint.workload.objectives import parse_slo
from tests.loadgen.builders import a_record, held, queue

SLO = parse_slo("itl.p95=50ms,ttft.p95=1s")


def steady(seconds: float = 80.0, per_second: int = 10, **fate: object) -> list[Record]:
    random = Random(1)
    return [
        a_record(
            number,
            number / per_second,
            **{"ttft": random.uniform(0.1, 0.2), "gaps": (0.02,) * 9, **fate},  # type: ignore[arg-type]
        )
        for number in range(int(seconds * per_second))
    ]


def test_rates_are_those_of_the_window() -> None:
    stage = measure(held(steady()), SLO, warm_up_seconds=10.0)
    assert (stage.warmup_seconds, stage.window_seconds) == (10.0, 50.0)
    assert stage.requests_offered == 500
    assert stage.requests_per_second.value == pytest.approx(10, rel=0.01)
    assert stage.output_tokens_per_second.value == pytest.approx(100, rel=0.01)
    assert stage.input_tokens_per_second == pytest.approx(100, rel=0.01)
    assert (stage.good, stage.slo_met, stage.stationary, stage.invalid) == (500, True, True, [])


def test_several_tokens_a_chunk_are_counted() -> None:
    stage = measure(held(steady(tokens_per_chunk=4)), SLO)
    assert stage.tokens_per_chunk == 4
    assert stage.output_tokens_per_second.value == pytest.approx(400, rel=0.02)
    assert stage.itl
    assert stage.itl.p50.value == pytest.approx(0.02)
    assert stage.tpot
    assert stage.tpot.p50.value == pytest.approx(9 * 0.02 / 39)


def test_errors_are_told_by_kind_and_are_not_good() -> None:
    records = steady()
    for number, error in ((300, "http_503"), (301, "http_503"), (302, "cut")):
        records[number].error = error
    stage = measure(held(records), SLO, warm_up_seconds=10.0)
    assert stage.errors == {"cut": 1, "http_503": 2}
    assert stage.good == 497


def test_shedding_breaks_the_promise() -> None:
    records = steady()
    for record in records[::5]:
        record.error = "http_503"
    assert measure(held(records), SLO).slo_met is False


def test_failures_outside_the_window_are_told() -> None:
    records = steady()
    for number in (0, 1, 2, 700):
        records[number].error = "http_503"
    stage = measure(held(records), SLO, warm_up_seconds=10.0)
    assert (stage.errors, stage.notes) == (
        {},
        [
            "4 requests of outside the window failed, 3 of them in the warm-up (http_503:4): the figures and "
            "the errors are of the window alone"
        ],
    )


def test_streams_that_never_end_are_told() -> None:
    endless = [a_record(number, number / 4, gaps=(0.1,) * 900, under_way=True) for number in range(4)]
    stage = measure(held(endless, load=ClosedLoop(clients=4)), SLO, warm_up_seconds=10.0)
    assert stage.errors == {}
    (note,) = stage.notes
    assert note.startswith(
        "no request ended in the window: 4 were under way at its end, 4 of them all through it"
    )


def test_a_stream_that_never_ends_among_others_is_told() -> None:
    records = [*steady(), a_record(9999, 0.5, gaps=(0.1,) * 900, under_way=True)]
    (note,) = measure(held(records), SLO, warm_up_seconds=10.0).notes
    assert note.startswith("1 request was under way all through the window")


def test_the_first_burst_of_a_trace_is_measured() -> None:
    replay = Replay(rate_per_second=6.0, trace="t.jsonl", speed=1.0)
    stage = measure(held([a_record(number, 0.0) for number in range(6)], 1.0, load=replay), SLO)
    assert (stage.warmup_seconds, stage.requests_offered, stage.good, stage.slo_met) == (0.0, 6, 6, True)
    assert stage.ttft
    assert stage.ttft.count == 6


def test_a_trace_has_the_warm_up_that_is_asked_for() -> None:
    replay = Replay(rate_per_second=10.0, trace="t.jsonl", speed=1.0)
    assert measure(held(steady(), load=replay), SLO, warm_up_seconds=10.0).warmup_seconds == 10.0


def test_without_an_slo_nothing_is_judged() -> None:
    stage = measure(held(steady()), None)
    assert (stage.good, stage.goodput_per_second, stage.slo_met) == (None, None, None)


def test_a_queue_that_fills_is_not_stationary() -> None:
    overloaded = queue(12.0, 0.1, 70.0)
    stage = measure(held(overloaded, taken=70.0), SLO)
    assert not stage.stationary
    assert any(
        re.fullmatch(r"the number of requests under way rises from \d+ to \d+ over the window", reason)
        for reason in stage.unsteady
    )


def test_a_queue_below_its_capacity_is_stationary() -> None:
    verdicts = [measure(held(queue(6.0, 0.1, 70.0, seed), taken=70.0), SLO).stationary for seed in range(40)]
    assert sum(verdicts) >= 37


@pytest.mark.parametrize(
    ("begin", "per_request", "said"),
    [
        (0.1, 1 / 500, r"ttft rises from \d{3}\.\d ms to 1\.\d\d s over the window"),
        (2.0, -1 / 360, r"ttft falls from 1\.\d\d s to \d{3}\.\d ms over the window"),
    ],
)
def test_a_latency_that_drifts_is_told_with_its_levels(begin: float, per_request: float, said: str) -> None:
    drifting = [a_record(number, number / 10, ttft=begin + number * per_request) for number in range(700)]
    assert any(re.fullmatch(said, reason) for reason in measure(held(drifting), SLO).unsteady)


def test_a_closed_loop_is_not_held_against_arrivals() -> None:
    few = [a_record(number, 10.0 + number, under_way=number % 2 == 0) for number in range(40)]
    stage = measure(held(few, load=ClosedLoop(clients=2)), None, warm_up_seconds=5.0)
    assert not any("fall behind" in reason for reason in stage.unsteady)


def test_requests_sent_late_make_a_stage_invalid() -> None:
    records = steady()
    for record in records[::50]:
        record.sent += 0.006
    (reason,) = measure(held(records), SLO).invalid
    assert "sent 6.0 ms late" in reason


@pytest.mark.parametrize(("seconds", "invalid"), [((20, 21), True), ((5, 8), False), ((20.0, 20.4), False)])
def test_a_sender_that_was_late_for_a_hundredth_of_the_window_makes_it_invalid(
    seconds: tuple[float, float], invalid: bool
) -> None:
    lags = [0.3 if seconds[0] <= tick * TICK_SECONDS < seconds[1] else 0.001 for tick in range(3000)]
    stage = measure(held(steady(), lags=[[0.001] * 3000, lags]), SLO, warm_up_seconds=10.0)
    assert stage.client.loop_lag_p99_seconds == (0.3 if invalid else 0.001)
    assert bool(stage.invalid) == invalid


@pytest.mark.parametrize(("lag", "invalid"), [(0.02, False), (0.04, True)])
def test_a_client_may_be_late_by_little_of_what_it_measures(lag: float, invalid: bool) -> None:
    slow = [a_record(number, number / 10, ttft=0.3, gaps=(0.5, 0.5)) for number in range(600)]
    stage = measure(held(slow, lags=[[lag] * 3000]), SLO, warm_up_seconds=10.0)
    assert bool(stage.invalid) == invalid


def test_requests_that_the_client_could_not_send_make_a_stage_invalid() -> None:
    records = steady()
    records[300].error = "client"
    (reason,) = measure(held(records), SLO, warm_up_seconds=10.0).invalid
    assert "no file descriptor, port or memory left for 1 of 500 requests" in reason


def test_a_busy_sender_makes_a_stage_invalid() -> None:
    idle = [(float(second), 0.1 * second) for second in range(60)]
    busy = [(float(second), 0.95 * second) for second in range(60)]
    stage = measure(held(steady(), cpu=[idle, busy]), SLO)
    assert stage.client.cpu_share == pytest.approx(0.95)
    assert "used 95% of a core" in stage.invalid[0]


def test_a_stage_without_a_request_has_no_latencies_and_cannot_be_judged() -> None:
    stage = measure(held([]), SLO)
    assert (stage.ttft, stage.itl, stage.tpot, stage.e2e, stage.slo_met) == (None, None, None, None, None)
    assert stage.unmet == [
        f"{objective} cannot be told: no request was decided in the window" for objective in SLO.objectives
    ]


def test_answers_in_one_chunk_are_not_good_and_their_gaps_cannot_be_judged() -> None:
    stage = measure(held(steady(gaps=(), tokens_per_chunk=100)), SLO)
    assert (stage.good, stage.itl, stage.tpot, stage.slo_met) == (0, None, None, None)
    assert stage.unmet == ["itl.p95=50ms cannot be told: no answer came in more than one chunk"]
    late = measure(held(steady(gaps=(), tokens_per_chunk=100, ttft=2.0)), SLO)
    assert (late.good, late.slo_met) == (0, False)
    assert late.unmet[0] == "ttft.p95=1000ms missed: 0 % of the requests within it"


def test_a_missed_promise_is_told_with_its_share() -> None:
    records = steady()
    for record in records[::19]:
        record.error = "http_503"
    why = measure(held(records), SLO, warm_up_seconds=10.0).unmet[-1]
    assert re.fullmatch(r"ttft\.p95=1000ms missed: 94\.\d+ % of the requests within it", why)
