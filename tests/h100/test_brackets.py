"""Which window is measured next on the GPU."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.h100.brackets import (
    CLOSE,
    DEFAULT,
    Beside,
    Bracket,
    Limits,
    Window,
    by_arm,
    even,
    next_window,
    searches,
    static,
)
from benchmarks.h100.curve import Latency, Measured
from tests.h100.builders import line

BRACKET = Bracket("chat", DEFAULT, 30, 16, step=1.25)
DRIFT = ("not stationary: ttft falls by 50%",)


def row(rate: float, itl_p95_ms: float, flaws: tuple[str, ...] = ()) -> Measured:
    """Return a window of the default in which everything was answered in time."""
    itl, ttft = (Latency(each, each, each) for each in (itl_p95_ms, 100.0))
    return Measured(DEFAULT.tokens, rate, 40, 100, 100, ttft, itl, flaws)


def next_rate(rows: Sequence[Measured], bracket: Bracket = BRACKET) -> float | None:
    """Return the rate of the window that is next."""
    window = bracket.next({("chat", DEFAULT): rows})
    return window.rate_per_second if window else None


def windows_line(rate: float = 40.0, **changed: Any) -> dict[str, Any]:
    """Return a line of the windows' file."""
    return (
        line("chat-512x512-40", load={"rate_per_second": rate})
        | {"load_name": "chat", "answered": 100}
        | changed
    )


def test_the_first_window_is_at_the_first_rate() -> None:
    assert next_rate([]) == 16


def test_the_rate_goes_up_while_it_holds_and_down_while_it_does_not() -> None:
    assert next_rate([row(16, 20)]) == 20
    assert next_rate([row(16, 40)]) == 13


def test_a_bracket_is_halved_until_its_ends_are_close() -> None:
    assert next_rate([row(16, 20), row(20, 40)]) == 18
    assert next_rate([row(16, 20), row(18, 40), row(20, 40)]) is None


def test_a_drift_alone_is_measured_once_more_and_then_counts_as_not_held() -> None:
    assert next_rate([row(16, 20), row(18, 25, DRIFT)]) == 18
    assert next_rate([row(16, 20), row(18, 25, DRIFT), row(18, 25, DRIFT)]) is None
    assert next_rate([row(16, 20), row(18, 25, DRIFT), row(18, 25)]) == 22


def test_no_more_windows_than_an_arm_has() -> None:
    few = replace(BRACKET, most_windows=2)
    assert next_rate([row(16, 20)], few) == 20
    assert next_rate([row(16, 20), row(20, 20)], few) is None


def test_windows_of_another_promise_count() -> None:
    rows = [row(16, 20), row(20, 40)]
    assert next_rate(rows, replace(BRACKET, promise_ms=50)) == 25


@given(st.floats(0.6, 80), st.floats(1, 60), st.sampled_from([1.12, 1.25]))
def test_an_engine_that_holds_up_to_a_rate_is_bracketed(sustained: float, first: float, step: float) -> None:
    bracket, rows = Bracket("chat", DEFAULT, 30, first, step, most_windows=60), list[Measured]()
    while (rate := next_rate(rows, bracket)) is not None:
        rows.append(row(rate, 20 if rate <= sustained else 40))
    held = [each.rate_per_second for each in rows if each.itl_p95.value == 20]
    missed = [each.rate_per_second for each in rows if each.itl_p95.value == 40]
    assert len(rows) < 60
    if held:
        low, high = max(held), min(missed)
        assert low < high
        assert high / low <= CLOSE or even((low * high) ** 0.5) in (low, high)


def test_the_default_is_set_beside_an_arm_at_the_rate_that_it_holds() -> None:
    arm = Bracket("chat", static(512), 30, 46)
    beside = Beside(arm, DEFAULT)
    rows = {("chat", static(512)): [row(46, 20)]}
    assert beside.next({}) is None
    assert beside.next(rows) == Window("chat", DEFAULT, 46)
    assert beside.next(rows | {("chat", DEFAULT): [row(46, 50)]}) is None


def test_what_the_tuner_came_to_is_measured_before_the_statics() -> None:
    tuned = {("chat", 30.0): Limits(384, 384)}
    first, second, third, *_ = searches(tuned)
    assert isinstance(first, Bracket)
    assert first.limits == Limits(384, 384)
    assert isinstance(second, Bracket)
    assert second.limits == DEFAULT
    assert third == Beside(first, DEFAULT)


def test_a_load_without_a_live_run_has_the_default_and_the_statics() -> None:
    found = next_window({}, {})
    assert found == Window("chat", DEFAULT, 18)
    assert {each.limits for each in searches({}) if isinstance(each, Bracket)} >= {static(512), static(1024)}


@pytest.mark.parametrize(("small", "large"), [(10.0, 10.0), (60.0, 15.0)])
def test_the_plan_ends(small: float, large: float) -> None:
    tuned = {("chat", 30.0): static(512), ("long", 30.0): static(512), ("long", 50.0): static(1024)}
    rows: dict[tuple[str, Limits], list[Measured]] = {}
    for _ in range(200):
        window = next_window(tuned, rows)
        if window is None:
            break
        sustained = small if window.limits.tokens < 1000 else large
        itl = 20 if window.rate_per_second <= sustained else 150
        measured = rows.setdefault((window.load, window.limits), [])
        measured.append(row(window.rate_per_second, itl))
        measured.sort(key=lambda each: each.rate_per_second)
    assert next_window(tuned, rows) is None


def test_no_window_asks_for_a_budget_that_the_plugin_would_raise() -> None:
    assert all(
        each.limits.sequences <= each.limits.tokens for each in searches({}) if isinstance(each, Bracket)
    )


def test_a_windows_requests_that_were_answered_after_it_count_as_answered() -> None:
    ((arm, (found,)),) = by_arm([windows_line(requests_completed=97)]).items()
    assert arm == ("chat", Limits(1024, 512))
    assert found.completed == 100
    assert found.rate_per_second == 40


def test_rates_are_told_in_few_digits() -> None:
    assert [even(each) for each in (17.6, 10.2, 9.6, 5.4, 0.1)] == [18, 10, 9.5, 5.5, 0.5]
