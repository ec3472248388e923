"""A day with the autoscaler closed around an arm."""

from dataclasses import replace

import pytest

from benchmarks.tuner.days import HOUR_SECONDS, MOST_REPLICAS, Day, rates, replicas_by_hour
from tests.tuner_sweep.builders import a_row

RATES = {"chat": 40.0, "mixed": 22.0, "long prompts": 8.0}
DAY = Day("itl 30 ms, ttft 1 s", "default", 1, 120, 1000, 900, 2_000_000, 24)


def test_replicas_are_demand_over_the_sustainable_rate_rounded_up() -> None:
    replicas = replicas_by_hour(RATES)
    assert replicas[14] == 10
    assert replicas[2] == 2
    half = replicas_by_hour({load: rate / 2 for load, rate in RATES.items()})
    assert half[14] == 20


def test_a_promise_that_is_kept_at_no_rate_takes_all_there_are() -> None:
    assert replicas_by_hour({**RATES, "long prompts": 0.0})[2] == MOST_REPLICAS


def test_one_replica_is_always_there() -> None:
    assert set(replicas_by_hour(dict.fromkeys(RATES, 1e6))) == {1}


def test_rates_are_medians_over_seeds_where_every_load_of_a_day_was_run() -> None:
    rows = [
        a_row("default", rate, load=load, seed=seed) for load in RATES for seed, rate in enumerate((1, 2, 9))
    ]
    found = rates([*rows, a_row("aimd", 5)])
    assert found == {("itl 30 ms, ttft 1 s", "default"): dict.fromkeys(RATES, 2)}


def test_cost_is_that_of_whole_hours() -> None:
    assert DAY.gpu_hours_per_million_good_tokens == pytest.approx(120 / (2 * 3600 / HOUR_SECONDS))
    assert replace(DAY, good_tokens=0).gpu_hours_per_million_good_tokens == float("inf")
