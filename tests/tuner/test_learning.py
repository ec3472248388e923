from dataclasses import replace
from typing import Any

import pytest

from setpoint.tuner.learning import DRIFT, Learned, learned
from setpoint.tuner.stepcost import UNKNOWN, StepCost
from tests.tuner.engines import CONTEXT_TOKENS, a_busy_window, after

COST = StepCost(5e-3, 2.2e-5, 3e-8, 29e-3)


def test_a_few_windows_teach_what_steps_cost() -> None:
    cost = StepCost.of(after(4, a_busy_window(COST)).cost.mean)
    for tokens in (40, 300, 900):
        assert cost.seconds(tokens, CONTEXT_TOKENS) == pytest.approx(
            COST.seconds(tokens, CONTEXT_TOKENS), rel=0.06
        )


def test_an_engine_that_becomes_slower_is_followed() -> None:
    known = after(4, a_busy_window(COST))
    slower = StepCost(7.5e-3, 3.3e-5, 4.5e-8, 43e-3)
    for _ in range(12):
        known = learned(known, a_busy_window(slower))
    now = StepCost.of(known.cost.mean)
    assert now.seconds(300, CONTEXT_TOKENS) == pytest.approx(slower.seconds(300, CONTEXT_TOKENS), rel=0.1)


def test_lengths_are_those_of_the_requests_and_what_the_cache_had_is_told_apart() -> None:
    known = after(1, a_busy_window(COST))
    assert known.mix is not None
    assert known.mix.output_tokens == pytest.approx(128)
    hits = after(1, a_busy_window(COST, prompt_tokens=2 * 500 * known.prompt_tokens))
    assert hits.mix is not None
    assert hits.mix.prompt_tokens == pytest.approx(known.mix.prompt_tokens)
    assert hits.mix.cached_tokens == pytest.approx(known.prompt_tokens, rel=0.01)


@pytest.mark.parametrize("changes", [{"good": 3.0}, {"steps_by_size": {}}])
def test_too_little_teaches_nothing(changes: dict[str, Any]) -> None:
    assert learned(Learned(), a_busy_window(COST, **changes)) == Learned()


def test_engines_that_begin_to_fill_teach_the_lengths_that_requests_have() -> None:
    filling = a_busy_window(COST, in_hand_before=0.0, running=150.0)
    found = after(1, filling)
    # 500 have ended and 150 more run: of those the prompts were computed, and of their answers half.
    computed = sum(each.tokens for each in filling.counted.steps_by_size.values()) - 64_000
    assert found.computed_tokens == pytest.approx(computed / 650)
    assert found.output_tokens == pytest.approx(64_000 / 575)


def test_many_more_requests_that_began_than_ended_teach_nothing() -> None:
    assert after(1, a_busy_window(COST, in_hand_before=0.0, running=1200.0)) == Learned()


def test_steps_that_nobody_counted_teach_nothing() -> None:
    assert after(1, a_busy_window(COST, generation_tokens=1e6)) == Learned()


def test_what_is_never_seen_is_not_doubted_without_end() -> None:
    small = {size: steps for size, steps in a_busy_window(COST).counted.steps_by_size.items() if size < 1024}
    known = after(1000, a_busy_window(COST, steps_by_size=small, generation_tokens=40_000.0))
    assert known.cost.covariance[3][3] <= UNKNOWN.covariance[3][3] + DRIFT**2


def test_graphs_of_fewer_tokens_bend_the_cost_earlier() -> None:
    cost = replace(COST, captured_tokens=128)
    known = Learned()
    for _ in range(30):
        known = learned(known, a_busy_window(cost), 128)
    assert StepCost.of(known.cost.mean, 128).seconds(40, CONTEXT_TOKENS) == pytest.approx(
        cost.seconds(40, CONTEXT_TOKENS), rel=0.1
    )


def test_nothing_is_known_of_requests_before_the_first_window() -> None:
    assert Learned().mix is None


def test_what_is_within_a_share_is_alike() -> None:
    known = after(1, a_busy_window(COST))
    assert known.is_like(replace(known, output_tokens=1.05 * known.output_tokens), 0.1)
    assert not known.is_like(replace(known, output_tokens=1.5 * known.output_tokens), 0.1)
