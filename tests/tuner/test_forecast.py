"""Forecasts against the simulator, which has the whole of vLLM's scheduler."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from setpoint.simulator.experiment import OpenLoop, Requests, run
from setpoint.tuner.batching import Mix
from setpoint.tuner.forecast import forecast, sustainable_rate
from setpoint.tuner.stepcost import StepCost
from setpoint.workload.arrivals import parse_arrivals
from setpoint.workload.draws import Shape
from setpoint.workload.lengths import parse_lengths
from setpoint_vllm.limits_file import Latency
from tests.tuner.engines import COST, a_service, objectives

CHAT = Mix(512, 128)


def simulated(tokens: int, rate: float, threshold: float) -> float:
    """The share of gaps beyond a threshold."""
    requests = Requests(Shape(parse_lengths("uniform:256:768"), parse_lengths("uniform:64:192")))
    play = run(a_service(256, tokens), OpenLoop(rate, parse_arrivals("poisson")), requests, 120.0, seed=3)
    gaps = [(gap, count) for at, gap, count in play.record.gaps if at > 30]
    return sum(count for gap, count in gaps if gap > threshold) / sum(count for _, count in gaps)


@pytest.mark.parametrize(("tokens", "rate"), [(512, 30.0), (2048, 20.0), (8192, 30.0)])
@pytest.mark.parametrize("threshold", [0.012, 0.03])
def test_the_share_of_long_gaps_is_that_of_the_simulated_engine(
    tokens: int, rate: float, threshold: float
) -> None:
    predicted = forecast(256, tokens, CHAT, rate, COST).bad_share(Latency.ITL, threshold)
    assert predicted == pytest.approx(simulated(tokens, rate, threshold), abs=0.06)


def test_a_queue_that_grows_keeps_no_promise_on_first_tokens() -> None:
    seen = forecast(256, 512, CHAT, 200.0, COST)
    assert math.isinf(seen.quantile_seconds(Latency.TTFT, 0.95))
    assert not seen.keeps(objectives(10.0, 1e6), 1.0)


def test_a_smaller_budget_shortens_the_gaps_and_sustains_less_where_gaps_do_not_bind() -> None:
    small, large = (forecast(256, tokens, CHAT, 30.0, COST) for tokens in (512, 8192))
    assert small.quantile_seconds(Latency.ITL, 0.95) < large.quantile_seconds(Latency.ITL, 0.95)
    loose = objectives(1.0, 10.0)
    rates = [sustainable_rate(256, tokens, CHAT, COST, loose) for tokens in (256, 512, 2048)]
    assert rates == sorted(rates)


def test_a_promise_that_only_small_steps_keep_is_sustained_by_a_small_budget() -> None:
    tight = objectives(0.025, 1.0)
    assert sustainable_rate(256, 512, CHAT, COST, tight) > 2 * sustainable_rate(256, 8192, CHAT, COST, tight)


def test_a_promise_that_no_step_keeps_is_never_sustained() -> None:
    assert sustainable_rate(256, 512, CHAT, COST, objectives(0.001, 1.0)) == 0


@settings(max_examples=25, deadline=None)
@given(
    seqs=st.integers(1, 600),
    tokens=st.integers(1, 9000),
    mix=st.builds(Mix, st.floats(1, 5000), st.floats(1, 1000), st.floats(0, 5000)),
    rate=st.floats(0.01, 500.0),
    scale=st.floats(0.05, 20.0),
)
def test_whatever_is_forecast_has_shares_and_times_that_can_be(
    seqs: int, tokens: int, mix: Mix, rate: float, scale: float
) -> None:
    cost = StepCost(6e-3 * scale, 2e-5 * scale, 2e-8 * scale, 29e-3 * scale)
    seen = forecast(seqs, tokens, mix, rate, cost)
    assert 0 <= seen.busy_share <= 1 + 1e-9
    assert list(seen.gaps) == sorted(seen.gaps)
    for latency in Latency:
        assert 0 <= seen.bad_share(latency, 0.05) <= 1
        assert seen.quantile_seconds(latency, 0.5) <= seen.quantile_seconds(latency, 0.95)


def test_what_no_request_ends_in_sustains_nothing() -> None:
    assert sustainable_rate(1, 256, Mix(512.0, 100_000.0), COST, objectives(0.03, 1.0)) == 0.0
