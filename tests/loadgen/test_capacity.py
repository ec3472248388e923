import pytest

from setpoint.loadgen.capacity import LOOKS, MOST_TRIALS, Trial, Verdict, conclude, judge, next_rate
from setpoint.workload.objectives import parse_slo
from tests.loadgen.builders import a_record, held, queue

SLO = parse_slo("ttft.p95=500ms")
LONGEST_SECONDS = 180.0
SERVICE_SECONDS = 0.1
SUSTAINABLE = 6.9
"""Of a queue with this service time: 5 % wait so long that they take 500 ms (280,000 simulated requests)."""


def a_trial(rate: float, seed: int) -> tuple[Trial, float]:
    """A stage on the queue, and how long it took."""
    for look in LOOKS:
        end = look * LONGEST_SECONDS
        records = queue(rate, SERVICE_SECONDS, end, seed)
        verdict = judge(held(records, end, taken=end), SLO, look)
        if verdict is not Verdict.UNCLEAR:
            break
    return Trial(rate, verdict), end


def search(start: float, seed: int) -> tuple[list[Trial], float]:
    trials: list[Trial] = []
    seconds = 0.0
    while (rate := next_rate(trials, start)) is not None:
        trial, took = a_trial(rate, 100 * seed + len(trials))
        trials.append(trial)
        seconds += took
    return trials, seconds


def trials(**by_verdict: list[float]) -> list[Trial]:
    return [Trial(rate, Verdict(verdict)) for verdict, rates in by_verdict.items() for rate in rates]


@pytest.mark.parametrize("start", [2.0, 6.0, 12.0])
def test_the_sustainable_rate_of_a_queue_is_found(start: float) -> None:
    brackets, total = [], 0.0
    for seed in range(5):
        found, seconds = search(start, seed)
        total += seconds
        estimate = conclude(found, range(len(found))).rate_per_second
        assert estimate
        brackets.append((estimate.low, estimate.high))
    assert sum(low <= SUSTAINABLE <= high for low, high in brackets) >= 4
    assert sum(high / low for low, high in brackets) / 5 < 1.35
    assert total / 5 < 15 * 60


def test_far_above_the_capacity_a_stage_ends_at_its_first_look() -> None:
    assert a_trial(20.0, 1) == (Trial(20.0, Verdict.BREAKS), LOOKS[0] * LONGEST_SECONDS)


def test_a_rate_is_not_said_to_hold_before_half_of_the_longest_stage() -> None:
    trial, took = a_trial(2.0, 1)
    assert (trial.verdict, took) == (Verdict.HOLDS, LONGEST_SECONDS / 2)


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


def test_the_bracket_is_closed_at_its_geometric_middle() -> None:
    assert next_rate([], 7.0) == 7.0
    assert next_rate(trials(holds=[8.0]), 8.0) == 10.0
    assert next_rate(trials(breaks=[9.0]), 9.0) == 6.0
    assert next_rate(trials(holds=[4.0], breaks=[9.0]), 4.0) == 6.0
    assert next_rate(trials(holds=[8.0], breaks=[8.3]), 8.0) is None


def test_an_unclear_rate_is_not_asked_again() -> None:
    assert next_rate(trials(unclear=[11.0]), 11.0) == pytest.approx(10.0)
    assert next_rate(trials(unclear=[11.0], holds=[10.0]), 11.0) == pytest.approx(12.1)
    assert next_rate(trials(unclear=[11.0], holds=[10.0], breaks=[12.1]), 11.0) is None


def test_a_rate_that_held_above_one_that_broke_is_set_aside() -> None:
    estimate = conclude(trials(holds=[5.0, 8.0], breaks=[6.0]), [0, 1, 2]).rate_per_second
    assert estimate
    assert (estimate.low, estimate.high) == (5.0, 6.0)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({}, "no rate was shown to hold"),
        ({"breaks": [9.0, 6.0]}, "no rate was shown to hold, down to 6"),
        ({"holds": [9.0]}, "no higher rate was shown to break"),
        ({"unclear": [9.0]}, "no rate was shown to hold"),
    ],
)
def test_a_search_that_cannot_tell_says_so(found: dict[str, list[float]], said: str) -> None:
    capacity = conclude(trials(**found), [])
    assert capacity.rate_per_second is None
    assert "cannot tell" in capacity.told
    assert said in capacity.told


def test_the_search_ends() -> None:
    assert next_rate(trials(breaks=[10.0, 6.7, 3.0, 0.9, 0.19]), 10.0) is None
    assert next_rate(trials(holds=[float(n) for n in range(1, MOST_TRIALS + 1)]), 1.0) is None
