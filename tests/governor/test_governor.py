"""The budget that is chosen for the next step."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.governor.governor import BUDGETS_TOKENS, FLOOR_PROMPT_TOKENS, budget_tokens
from benchmarks.governor.predictors import Learned, Oracle
from benchmarks.governor.steps import Ahead
from benchmarks.governor.trial import TOKENS
from benchmarks.virtual.services import service
from setpoint.simulator.step import Step

STEP_TIME = service().step_seconds


def linear(step: Step) -> float:
    """A microsecond a token."""
    return 1e-6 * step.tokens


def test_takes_the_largest_budget_that_is_predicted_to_stay_within_the_target() -> None:
    assert budget_tokens(Oracle(linear), Ahead(100, 50_000), 1e-3, TOKENS) == 960


@given(
    decoding=st.integers(0, 1024), context=st.integers(0, 470_000), target=st.floats(0, 1),
    most=st.integers(1024, TOKENS), remaining=st.integers(0, 8000), computed=st.integers(0, 8000),
)  # fmt: skip
def test_never_exceeds_the_limit_nor_leaves_out_who_decodes(
    decoding: int, context: int, target: float, most: int, remaining: int, computed: int
) -> None:
    known = Ahead(decoding, context, computed, remaining)
    tokens = budget_tokens(Oracle(STEP_TIME), known, target, most)
    assert min(decoding + FLOOR_PROMPT_TOKENS, most) <= tokens <= most
    if tokens > decoding + FLOOR_PROMPT_TOKENS:
        assert STEP_TIME(known.step(tokens)) <= target


def test_lets_prompts_go_on_where_decoding_alone_takes_longer_than_the_target() -> None:
    assert budget_tokens(Oracle(STEP_TIME), Ahead(300, 450_000), 0.01, TOKENS) == 300 + FLOOR_PROMPT_TOKENS


def test_takes_the_limit_while_nothing_is_known() -> None:
    assert budget_tokens(Learned(Random(1)), Ahead(10, 1000), 0.01, 8192) == 8192


@pytest.mark.parametrize("target_seconds", [0.02, 0.035, 0.05, 0.08])
def test_learns_budgets_near_those_of_the_function_itself(target_seconds: float) -> None:
    learned, oracle, random = Learned(Random(1)), Oracle(STEP_TIME), Random(2)
    for _ in range(4000):
        decoding = random.randint(50, 150)
        step = Ahead(decoding, decoding * random.randint(300, 900)).step(random.choice(BUDGETS_TOKENS[4:50]))
        learned.learn(step, STEP_TIME(step))
    known = Ahead(100, 60_000)
    right = budget_tokens(oracle, known, target_seconds, TOKENS)
    assert budget_tokens(learned, known, target_seconds, TOKENS) == pytest.approx(right, rel=0.15)
