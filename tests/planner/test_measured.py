"""The predictions against what was measured on an H100: held here as near as docs/planner.md says."""

from statistics import median

from benchmarks.h100.curve import highest_held
from benchmarks.planner import measured
from benchmarks.planner.cases import CHAT_ON_H100
from setpoint.planner.plan import plan


def test_the_throughput_of_a_full_engine_is_predicted_within_6_percent_in_captured_steps() -> None:
    assert max(each.error for each in measured.full_cells() if each.tokens == 512) < 0.06


def test_the_throughput_is_predicted_within_20_percent_whatever_the_budget() -> None:
    errors = [each.error for each in measured.full_cells()]
    assert max(errors) < 0.21
    assert median(errors) < 0.13


def test_the_planned_budget_held_nine_tenths_of_the_best_measured_rate_under_every_promise() -> None:
    rows = measured.rows()
    for promise_ms in measured.PROMISES_MS[1:]:
        chosen = plan(CHAT_ON_H100.serving, CHAT_ON_H100.promised(promise_ms), CHAT_ON_H100.mix)
        held = highest_held([row for row in rows if row.tokens == chosen.tokens], promise_ms)
        best = highest_held(rows, promise_ms)
        assert held is not None
        assert best is not None
        assert held.rate_per_second >= 0.9 * best.rate_per_second
