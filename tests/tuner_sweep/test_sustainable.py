"""The highest rate at which a promise holds."""

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.tuner.cases import LOOSE, TIGHT, chat
from benchmarks.tuner.sustainable import STEPS, Held, Limited, highest, rate_of, sustainable_per_second
from benchmarks.virtual.services import H100_8B


@given(st.integers(1, 500), st.integers(-1, 600))
def test_the_last_step_that_holds_is_found_with_few_looks(steps: int, last: int) -> None:
    looks: list[int] = []

    def holds(step: int) -> bool:
        looks.append(step)
        return step <= last

    assert highest(holds, steps) == (None if last < 0 else min(last, steps - 1))
    assert len(looks) <= steps.bit_length() + 1
    assert all(0 <= each < steps for each in looks)


def test_the_grid_goes_in_steps_of_two_percent() -> None:
    assert rate_of(0) == 0.1
    assert rate_of(STEPS) >= 160
    assert round(rate_of(1) / rate_of(0), 9) == 1.02


def test_a_promise_holds_with_both_p95s_within_it_and_the_answers_there() -> None:
    assert Held(1.0, 0.03, 0.98).keeps(TIGHT)
    assert not Held(1.01, 0.03, 0.98).keeps(TIGHT)
    assert not Held(1.0, 0.031, 0.98).keeps(TIGHT)
    assert not Held(1.0, 0.03, 0.97).keeps(TIGHT)
    assert not Held(None, None, 0.0).keeps(TIGHT)
    assert Held(1.0, None, 1.0).keeps(TIGHT)


def test_a_budget_within_the_graphs_sustains_more_under_a_tight_promise_and_not_under_a_loose_one() -> None:
    default = Limited(H100_8B, 1024, 8192, 1024, 8192)
    small = Limited(H100_8B, 512, 512, 512, 512)
    tight, loose = (
        [sustainable_per_second(each, chat(), promise, seed=1) for each in (default, small)]
        for promise in (TIGHT, LOOSE)
    )
    assert tight[1] > 1.3 * tight[0]
    assert loose[0] >= loose[1]
