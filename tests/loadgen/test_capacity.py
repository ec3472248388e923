import pytest

from setpoint.loadgen.capacity import MOST_TRIALS, Trial, conclude, next_rate
from setpoint.loadgen.evidence import Verdict
from tests.loadgen.builders import a_stage, queue

SERVICE_SECONDS = 0.1
SUSTAINABLE = 6.9
"""Of a queue with this service time: 5 % wait so long that they take 500 ms (280,000 simulated requests)."""


def search(start: float, seed: int) -> tuple[list[Trial], float]:
    trials: list[Trial] = []
    seconds = 0.0
    while (rate := next_rate(trials, start)) is not None:
        verdict, took = a_stage(queue(rate, SERVICE_SECONDS, 180.0, 100 * seed + len(trials)))
        trials.append(Trial(rate, verdict))
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
    assert sum(high / low for low, high in brackets) / 5 < 1.5
    assert total / 5 < 30 * 60


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


def test_the_more_rates_are_unclear_the_farther_it_steps_aside() -> None:
    assert next_rate(trials(unclear=[11.0, 10.0]), 11.0) == pytest.approx(10.0 / 1.21)


def test_a_rate_that_held_above_an_unclear_one_is_not_asked_again() -> None:
    assert next_rate(trials(holds=[10.0, 12.1], unclear=[11.0]), 10.0) == pytest.approx(13.31)


def test_no_rate_is_tried_that_no_stage_could_show_to_hold() -> None:
    assert next_rate([], 0.1, least=0.5) == 0.5
    assert next_rate(trials(breaks=[0.6]), 0.6, least=0.5) is None


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
