from random import Random

import pytest

from setpoint.loadgen.evidence import LOOKS, Verdict, judge, least_requests
from setpoint.workload.objectives import parse_slo
from tests.loadgen.builders import a_record, a_stage, bursts, held, queue

SLO = parse_slo("ttft.p95=500ms")


def test_far_above_the_capacity_a_stage_ends_at_its_first_look() -> None:
    assert a_stage(queue(20.0, 0.1, 180.0)) == (Verdict.BREAKS, LOOKS[0] * 180.0)


def test_a_rate_is_said_to_hold_only_at_the_end_of_the_longest_stage() -> None:
    assert a_stage(queue(2.0, 0.1, 180.0)) == (Verdict.HOLDS, 180.0)


def test_errors_break_the_promise() -> None:
    shed = [
        a_record(number, number / 10, error="http_503" if number % 5 == 0 else None) for number in range(225)
    ]
    assert judge(held(shed, 22.5), SLO, LOOKS[0]) is Verdict.BREAKS


def test_an_endpoint_that_answers_nothing_breaks() -> None:
    silent = [a_record(number, number / 10, ttft=None, under_way=True) for number in range(1800)]
    assert judge(held(silent, 180.0), SLO, LOOKS[-1]) is Verdict.BREAKS


def test_an_endpoint_that_answers_nothing_breaks_a_promise_about_tokens_too() -> None:
    silent = [a_record(number, number / 10, ttft=None, under_way=True) for number in range(1800)]
    assert judge(held(silent, 180.0), parse_slo("itl.p95=50ms"), LOOKS[-1]) is Verdict.BREAKS


@pytest.mark.parametrize("objective", ["ttft.p95=500ms", "itl.p95=50ms", "e2e.p95=5s"])
def test_a_stage_without_a_request_shows_nothing(objective: str) -> None:
    assert judge(held([], 180.0), parse_slo(objective), LOOKS[-1]) is Verdict.UNCLEAR


@pytest.mark.parametrize("look", LOOKS)
def test_a_latency_that_falls_is_no_evidence_against_the_rate(look: float) -> None:
    """An engine that warms up: from 2 s the TTFT falls to 200 ms over the stage."""
    records = [
        a_record(number, number / 10, ttft=2.0 - 0.01 * number / look / 10)
        for number in range(int(1800 * look))
    ]
    assert judge(held(records, 180.0 * look), SLO, look) is Verdict.UNCLEAR


def test_a_latency_that_rises_breaks_at_the_end() -> None:
    records = [a_record(number, number / 10, ttft=0.1 + number / 6000) for number in range(1800)]
    assert judge(held(records, 180.0), SLO, LOOKS[-2]) is Verdict.UNCLEAR
    assert judge(held(records, 180.0), SLO, LOOKS[-1]) is Verdict.BREAKS


def test_lateness_that_is_over_is_no_evidence_against_the_rate() -> None:
    """In the first 15 s of 180 s everything is late, then nothing: no trend, 8 % late."""
    records = [a_record(number, number / 10, ttft=0.7 if number < 150 else 0.1) for number in range(1800)]
    assert judge(held(records, 180.0), SLO, LOOKS[-1]) is not Verdict.BREAKS


def test_stalls_of_few_requests_are_no_proof() -> None:
    """Of 40 requests one has all of its 1,000 gaps late: many late tokens, one piece of evidence."""
    slo = parse_slo("itl.p95=50ms")
    records = [a_record(n, n / 2, gaps=(0.06,) * 200 if n == 20 else (0.02,) * 50) for n in range(80)]
    assert judge(held(records, 40.0), slo, LOOKS[0]) is Verdict.UNCLEAR


def verdicts(late_share: float, burst_seconds: float, stages: int = 60) -> list[Verdict]:
    """Of stages of 180 s at 5 requests a second, whose lateness comes in bursts."""
    return [a_stage(bursts(late_share, burst_seconds, 5.0, Random(seed)))[0] for seed in range(stages)]


@pytest.mark.parametrize("burst_seconds", [0.5, 1.0, 2.0])
def test_a_rate_that_misses_by_little_is_seldom_said_to_hold(burst_seconds: float) -> None:
    assert verdicts(0.055, burst_seconds).count(Verdict.HOLDS) <= 6


def test_a_rate_with_few_late_requests_is_mostly_said_to_hold() -> None:
    found = verdicts(0.01, 0.5, 30)
    assert found.count(Verdict.HOLDS) >= 15
    assert Verdict.BREAKS not in found


@pytest.mark.parametrize("percentile", [50, 90, 95, 99])
def test_a_flawless_stage_holds_with_any_percentile(percentile: int) -> None:
    flawless = [a_record(number, number / 10) for number in range(1800)]
    assert judge(held(flawless, 180.0), parse_slo(f"ttft.p{percentile}=1s"), LOOKS[-1]) is Verdict.HOLDS


def test_a_stage_of_few_requests_cannot_hold() -> None:
    assert least_requests(SLO) == pytest.approx(58.4, abs=0.1)
    few = [a_record(number, number * 180 / 58) for number in range(58)]
    assert judge(held(few, 180.0), SLO, LOOKS[-1]) is Verdict.UNCLEAR
