import pytest

from setpoint.tuner.knobs import Bounds, Start
from setpoint.tuner.learning import Learned
from setpoint.tuner.planning import Plan, plan
from setpoint.tuner.promise import Objective
from tests.tuner.engines import COST, a_busy_window, after, objectives

START = Start(8192, 1024)
KNOWN = after(4, a_busy_window(COST))


def of(promise: tuple[Objective, ...], bounds: Bounds | None = None) -> Plan:
    found = plan(KNOWN, promise, START, bounds or Bounds())
    assert found is not None
    return found


def test_a_tight_promise_on_gaps_is_for_steps_within_the_captured_graphs() -> None:
    assert of(objectives(0.025, 1.0)).choice(8192) == 512


def test_a_loose_promise_leaves_the_start_value() -> None:
    assert of(objectives(1.0, 5.0)).choice(8192) == 8192


@pytest.mark.parametrize("bounds", [Bounds(least_tokens=1024), Bounds(most_tokens=384)])
def test_no_budget_is_out_of_bounds(bounds: Bounds) -> None:
    chosen = of(objectives(0.025, 1.0), bounds).best_tokens
    assert bounds.least_tokens <= chosen <= (bounds.most_tokens or START.tokens)


def test_what_is_nearly_as_good_stays() -> None:
    rates = Plan({256: 40.0, 512: 43.0, 8192: 12.0})
    assert rates.choice(256) == 256
    assert rates.choice(8192) == 512
    assert rates.choice(1024) == 1024


def test_of_budgets_that_are_equal_the_largest_is_best() -> None:
    assert Plan({512: 10.0, 1024: 10.0}).best_tokens == 1024


def test_without_requests_there_is_no_plan() -> None:
    assert plan(Learned(), objectives(0.025, 1.0), START, Bounds()) is None
