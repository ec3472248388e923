"""The guard steers simulated engines in virtual time."""

import pytest

from benchmarks.guard.services import CHAT, objectives, overload, service
from benchmarks.guard.virtual import Phase, Run, run
from setpoint.tuner.state import Mode, Settings

WINDOW_SECONDS = 600.0


def steered(mode: Mode, phases: list[Phase], itl_seconds: float, seed: int = 1) -> Run:
    settings = Settings(mode, objectives(itl_seconds, 1.0), writer="test")
    return run(service(), phases, CHAT, settings, seed)


@pytest.mark.parametrize("itl_seconds", [0.01, 0.03, 0.1])
def test_an_overload_is_no_worse_than_without_the_guard_in_any_ten_minutes(itl_seconds: float) -> None:
    without, guarded = (steered(mode, overload(48), itl_seconds) for mode in (Mode.DISABLED, Mode.AUTO))
    for alone, held in zip(without.bad(WINDOW_SECONDS), guarded.bad(WINDOW_SECONDS), strict=True):
        assert held <= alone


def test_gaps_that_are_too_long_under_a_steady_load_are_shortened() -> None:
    without, guarded = (steered(mode, [Phase(900, 44)], 0.03) for mode in (Mode.DISABLED, Mode.AUTO))
    assert sum(without.bad(WINDOW_SECONDS)) > 10 * sum(guarded.bad(WINDOW_SECONDS))


def test_what_is_kept_without_the_guard_is_left_alone() -> None:
    guarded = steered(Mode.AUTO, [Phase(600, 40)], 0.1)
    assert not [each for _, each in guarded.decisions if each.change]


def test_recommend_says_what_it_would_do_and_moves_nothing() -> None:
    without, recommended = (steered(mode, [Phase(300, 44)], 0.03) for mode in (Mode.DISABLED, Mode.RECOMMEND))
    assert recommended.record.answers == without.record.answers
    assert [each for _, each in recommended.decisions if each.change and not each.is_applied]
