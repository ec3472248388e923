"""The search on engines that are made up: step costs that it does not know."""

import math
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from setpoint.tuner.batching import Mix, saturated
from setpoint.tuner.search import LEAST_VISITS, MOST_VISITS, Search, Setting, Visit
from setpoint.tuner.stepcost import StepCost
from setpoint_vllm.limits_file import Latency
from tests.tuner.engines import COST

SETTINGS = [Setting(seqs, tokens) for seqs in (16, 64, 256) for tokens in (256, 512, 1024, 2048, 8192)]
MIX, CLIENTS = Mix(512, 128), 256
START = Setting(256, 8192)


def engine(cost: StepCost = COST, noise: float = 0.03, seed: int = 1) -> Callable[[Setting], Visit]:
    """Measures a setting."""
    draw = Random(seed)

    def measure(setting: Setting) -> Visit:
        seqs = min(setting.seqs, CLIENTS)
        walk = saturated(seqs, setting.tokens, MIX, seed=99)
        figures = (
            walk.output_tokens_per_second(cost),
            walk.first_token_seconds(cost, CLIENTS - seqs),
            walk.gap_seconds(cost),
        )
        return Visit(setting, *(each * math.exp(draw.gauss(0, noise)) for each in figures))

    return measure


def search(itl: float = 0.03, ttft: float = 30.0) -> Search:
    return Search(SETTINGS, {Latency.ITL: itl, Latency.TTFT: ttft}, CLIENTS, MIX)


def found(wanted: Search, measure: Callable[[Setting], Visit]) -> tuple[Setting | None, list[Visit]]:
    """Where a search from the start ends, and what it visited."""
    visits = [measure(START)]
    while (following := wanted.following(visits)) is not None:
        visits.append(measure(following))
    return wanted.end(visits), visits


def best(itl: float, ttft: float, cost: StepCost) -> Visit | None:
    """The best that keeps the promise, without noise."""
    known = map(engine(cost, noise=0.0), SETTINGS)
    kept = [each for each in known if each.itl_p95_seconds <= itl and each.ttft_p95_seconds <= ttft]
    return max(kept, key=lambda each: each.tokens_per_second, default=None)


@pytest.mark.parametrize("speed", [0.4, 1.0, 3.0])
@pytest.mark.parametrize(("itl", "ttft"), [(0.025, 5.0), (0.05, 2.0), (0.2, 2.0)])
def test_it_ends_near_the_best_setting_that_keeps_the_promise_on_engines_of_any_speed(
    speed: float, itl: float, ttft: float
) -> None:
    cost = StepCost(6e-3 * speed, 2e-5 * speed, 2e-8 * speed, 29e-3 * speed)
    itl, ttft = itl * speed, ttft * speed
    end, visits = found(search(itl, ttft), engine(cost))
    wanted = best(itl, ttft, cost)
    assert end is not None
    assert wanted is not None
    truth = engine(cost, noise=0.0)(end)
    assert truth.itl_p95_seconds <= 1.03 * itl
    assert truth.ttft_p95_seconds <= 1.03 * ttft
    assert truth.tokens_per_second >= 0.92 * wanted.tokens_per_second
    assert len(visits) <= 8


def test_it_stays_nowhere_where_nothing_keeps_the_promise() -> None:
    end, visits = found(search(itl=0.001), engine())
    assert end is None
    assert len(visits) == LEAST_VISITS


def test_where_the_start_keeps_a_loose_promise_little_is_tried_and_nothing_lost() -> None:
    end, visits = found(search(itl=10.0), engine())
    truth = engine(noise=0.0)
    assert truth(end or SETTINGS[0]).tokens_per_second >= 0.98 * truth(START).tokens_per_second
    assert len(visits) <= 4


def test_the_same_visits_lead_to_the_same_setting() -> None:
    first = engine()(START)
    assert search().following([first]) == search().following([first])


@hypothesis_settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.builds(
            Visit,
            st.sampled_from(SETTINGS),
            *(st.floats(low, high) for low, high in ((1, 1e5), (1e-3, 1e3), (1e-4, 10))),
        ),
        min_size=1,
        max_size=MOST_VISITS,
    )
)
def test_whatever_is_measured_it_names_a_setting_that_is_there_or_none(visits: list[Visit]) -> None:
    wanted = search()
    assert wanted.following(visits) in {None, *SETTINGS}
    assert wanted.end(visits) in {None, *SETTINGS}
    assert len(visits) < MOST_VISITS or wanted.following(visits) is None


def test_a_kv_cache_without_room_for_all_is_taken_into_account() -> None:
    room = 90

    def measure(setting: Setting) -> Visit:
        seqs = min(setting.seqs, room)
        walk = saturated(seqs, setting.tokens, MIX, seed=99)
        return Visit(
            setting,
            walk.output_tokens_per_second(COST),
            walk.first_token_seconds(COST, CLIENTS - seqs),
            walk.gap_seconds(COST),
        )

    wanted = search(itl=0.025, ttft=8.0)
    end, visits = found(wanted, measure)
    kept = [each for each in map(measure, SETTINGS) if each.itl_p95_seconds <= 0.025]
    assert end is not None
    assert measure(end).itl_p95_seconds <= 0.025
    assert measure(end).tokens_per_second >= 0.95 * max(each.tokens_per_second for each in kept)
    assert len(visits) <= 6
