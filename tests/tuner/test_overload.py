"""The guard steers simulated engines in virtual time."""

from dataclasses import replace
from functools import cache

import pytest

from benchmarks.guard.plan import overload
from benchmarks.virtual.engine import start_of
from benchmarks.virtual.load import Phase
from benchmarks.virtual.run import Run, run
from benchmarks.virtual.services import CHAT, DOCUMENTS, objectives, service
from benchmarks.virtual.steering import Tuner
from setpoint.tuner.state import Mode, Settings

WINDOW_SECONDS = 600.0
OVERLOAD = tuple(overload(9.3))


@cache
def steered(mode: Mode, phases: tuple[Phase, ...], itl_seconds: float) -> Run:
    settings = Settings(mode, objectives(itl_seconds, 1.0), writer="test")
    engines = service()
    requests = DOCUMENTS if phases is OVERLOAD else CHAT
    return run(engines, phases, requests, Tuner(settings, start_of(engines)), seed=1)


@pytest.mark.parametrize("itl_seconds", [0.01, 0.03, 0.1])
def test_an_overload_is_no_worse_than_without_the_guard_in_any_ten_minutes(itl_seconds: float) -> None:
    guarded = steered(Mode.AUTO, OVERLOAD, itl_seconds)
    without = replace(steered(Mode.DISABLED, OVERLOAD, 0.1), objectives=guarded.objectives)
    for alone, held in zip(without.bad(WINDOW_SECONDS), guarded.bad(WINDOW_SECONDS), strict=True):
        assert held <= alone


STEADY = (Phase(600, 44),)


def test_gaps_that_are_too_long_under_a_steady_load_are_shortened() -> None:
    without, guarded = (steered(mode, STEADY, 0.03) for mode in (Mode.DISABLED, Mode.AUTO))
    assert sum(without.bad(WINDOW_SECONDS)) > 5 * sum(guarded.bad(WINDOW_SECONDS))


def test_what_is_kept_without_the_guard_is_left_alone() -> None:
    guarded = steered(Mode.AUTO, (Phase(300, 40),), 0.1)
    assert not [each for _, each in guarded.decisions if each.change]


def test_recommend_says_what_it_would_do_and_moves_nothing() -> None:
    without, recommended = (steered(mode, STEADY, 0.03) for mode in (Mode.DISABLED, Mode.RECOMMEND))
    assert recommended.record.answers == without.record.answers
    assert [each for _, each in recommended.decisions if each.change and not each.is_applied]
