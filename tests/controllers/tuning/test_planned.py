"""What the operator does with a plan: it is told, kept, and made when there is time for it."""

import pytest

from setpoint.controllers.tuning.tuned import cycle, restored_state, settings_of, stored_state
from setpoint.tuner.knobs import Knobs
from setpoint.tuner.state import Observation
from tests.controllers.tuning.engines import FakeEngine
from tests.controllers.tuning.watched import Watched


@pytest.fixture
def planned() -> Watched:
    """A service in Recommend whose engine shows its steps, under a load that breaks the promise."""
    it = Watched(engine=FakeEngine("team-a", shows_steps=True))
    it.tell()
    it.look(12, bad_share=0.2)
    return it


def test_the_status_says_where_auto_would_go_by_plan(planned: Watched) -> None:
    said = planned.status["tuning"]["recommendation"]
    assert said.startswith("Auto would now set maxNumBatchedTokens 512, since between-tokens: 20 %")
    assert said.count("one engine is predicted") == 1
    assert planned.tuned.state.knobs == Knobs()


def test_the_status_recommends_the_flag_that_suits_the_traffic_while_nothing_is_to_be_done(
    planned: Watched,
) -> None:
    planned.look(1)
    planned.engine.requests_per_second = 0.0
    planned.look(3)
    said = planned.status["tuning"]["recommendation"]
    assert said.startswith("--max-num-batched-tokens=512 would suit this traffic better: one engine")


def test_estimates_stand_apart_from_what_was_measured(planned: Watched) -> None:
    estimated = planned.status["tuning"]["estimated"]
    assert float(estimated["sustainableRate"]) == float(estimated["sustainableRateAtStart"])
    assert float(estimated["saturation"].removesuffix("%")) > 100


def test_what_tokens_cost_is_told_by_what_was_measured_and_by_what_is_predicted() -> None:
    spec = {"pricing": {"gpuHour": "3.60"}, "parallelism": {"tensor": 2}}
    it = Watched(engine=FakeEngine("team-a", shows_steps=True), spec=spec)
    it.tell()
    it.look(12, bad_share=0.2)
    tuning = it.status["tuning"]
    # 40 requests of 128 tokens a second on two GPUs of 0.001 a second each.
    assert float(tuning["costPerMillionTokens"]) == pytest.approx(1e6 * 0.002 / (40 * 128), rel=0.05)
    sustained = float(tuning["estimated"]["sustainableRate"])
    assert float(tuning["estimated"]["costPerMillionTokens"]) == pytest.approx(
        1e6 * 0.002 / (sustained * 128), rel=0.1
    )


def test_without_a_price_nothing_costs_anything(planned: Watched) -> None:
    assert "costPerMillionTokens" not in planned.status["tuning"]
    assert "costPerMillionTokens" not in planned.status["tuning"]["estimated"]


def test_nothing_is_estimated_of_an_engine_that_has_not_shown_its_steps() -> None:
    it = Watched()
    it.tell()
    it.look(12, bad_share=0.2)
    assert "estimated" not in it.status["tuning"]


def test_auto_moves_to_the_plan_and_estimates_what_that_sustains() -> None:
    it = Watched(engine=FakeEngine("team-a", shows_steps=True), mode="Auto")
    it.tell()
    it.look(3)
    it.look(3, bad_share=0.2)
    assert it.tuned.state.knobs == Knobs(tokens=512)
    assert it.status["tuning"]["decisions"][0]["policy"] == "Plan"
    estimated = it.status["tuning"]["estimated"]
    assert float(estimated["sustainableRate"]) > 1.5 * float(estimated["sustainableRateAtStart"])


def test_what_is_stored_rests_while_the_plan_holds(planned: Watched) -> None:
    before = stored_state(planned.tuned.state)
    learnt = planned.tuned.state.planned.known
    planned.look(4, bad_share=0.2)
    assert planned.tuned.state.planned.known != learnt
    assert stored_state(planned.tuned.state) == before


def test_a_plan_outlives_the_process(planned: Watched) -> None:
    state = planned.tuned.state
    assert restored_state(stored_state(state)).planned.plan == state.planned.plan


def test_without_time_for_a_plan_in_a_cycle_what_was_learnt_waits() -> None:
    it = Watched(engine=FakeEngine("team-a", shows_steps=True))
    it.tell()
    settings = settings_of(it._service(), "uid-1", killed=False, interval_seconds=15.0)
    tuned = it.tuned
    for _ in range(12):
        it.engine.serve(15.0, bad_share=0.2)
        readings = {name: each for (_, name), each in it.engine.look(it.engine.now).readings.items()}
        observation = Observation(it.engine.now, readings, may_plan=False)
        _, tuned = cycle(tuned, observation, settings, it.told, 300.0)
    assert tuned.state.planned.known.mix is not None
    assert tuned.state.planned.plan is None
