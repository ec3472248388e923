"""A token budget chosen from a service's own traffic."""

import pytest

from benchmarks.virtual.load import Phase
from benchmarks.virtual.run import run
from benchmarks.virtual.services import CHAT, objectives, service
from benchmarks.virtual.steering import Tuner
from setpoint.signals.reading import Counters, Reading
from setpoint.tuner.knobs import Bounds, Start
from setpoint.tuner.state import Mode, Settings
from setpoint.tuner.static import StaticChoice, static_choice
from setpoint.tuner.steptime import StepTime, fit, measured_steps

START = Start(tokens=8192, seqs=1024)
LINE = StepTime(fixed_seconds=0.006, token_seconds=26e-6, least_tokens=120)


@pytest.mark.parametrize(("itl_seconds", "tokens"), [(0.02, 512), (0.035, 1024), (0.06, 2048)])
def test_the_largest_budget_is_chosen_of_which_no_step_is_too_long(itl_seconds: float, tokens: int) -> None:
    choice = static_choice(LINE, objectives(itl_seconds), START, Bounds())
    assert choice == StaticChoice(tokens, LINE.seconds(tokens))


@pytest.mark.parametrize(
    ("itl_seconds", "why"),
    [(0.3, "the start's own keeps it"), (0.008, "none keeps it"), (None, "no gap is promised")],
)
def test_nothing_is_chosen_when(itl_seconds: float | None, why: str) -> None:
    assert static_choice(LINE, objectives(itl_seconds, 1.0), START, Bounds()) is None


def test_nothing_is_said_of_steps_much_smaller_than_those_seen() -> None:
    overloaded = StepTime(fixed_seconds=0.006, token_seconds=26e-6, least_tokens=4000)
    assert static_choice(overloaded, objectives(0.03), START, Bounds()) is None


def test_points_on_a_line_give_the_line() -> None:
    line = fit([(tokens, LINE.seconds(tokens)) for tokens in range(100, 900, 50)])
    assert line is not None
    assert (line.fixed_seconds, line.token_seconds) == pytest.approx((LINE.fixed_seconds, LINE.token_seconds))


@pytest.mark.parametrize("points", [[], [(100.0, 0.01)] * 20, [(100.0, 0.01), (200.0, 0.02)] * 2])
def test_points_that_show_no_line_give_none(points: list[tuple[float, float]]) -> None:
    assert fit(points) is None


def test_an_engine_with_little_to_do_says_nothing_of_a_step() -> None:
    idle = [
        {"engine": Reading(at, Counters(steps=at, step_tokens=at), running=1, waiting=0, kv_cache_usage=0)}
        for at in (10.0, 20.0)
    ]
    assert measured_steps(idle) == []


@pytest.mark.parametrize("rate_per_second", [20, 44])
def test_a_simulated_h100_shows_how_long_steps_take_that_it_seldom_did(rate_per_second: int) -> None:
    moments = []
    settings = Settings(Mode.DISABLED, objectives(0.03), writer="test")
    tuner, phases = Tuner(settings, START), [Phase(300, rate_per_second)]
    run(service(), phases, CHAT, tuner, 1, see=lambda each: moments.append(each))
    line = fit(measured_steps(moments[::3]))
    assert line is not None
    # Measured on an H100: 20, 32 and 55 ms (docs/h100.md has the p95s).
    assert [line.seconds(tokens) for tokens in (512, 1024, 2048)] == pytest.approx(
        [0.02, 0.033, 0.06], rel=0.12
    )
