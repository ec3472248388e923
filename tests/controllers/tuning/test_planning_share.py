"""Plans take long: the operator makes them for a share of its cycle, one after the other."""

import asyncio
from typing import cast

from setpoint.controllers.tuning.controller import PLANNING_SHARE, TuningController, _Known
from setpoint.controllers.tuning.tuned import settings_of
from setpoint.kube.client import KubeClient
from setpoint.tuner.state import Observation
from tests.controllers.tuning.engines import FakeEngine
from tests.controllers.tuning.watched import Watched

INTERVAL_SECONDS = 15.0
UID = "uid-1"


class SlowClock:
    """It goes on by so much at every look."""

    def __init__(self, step_seconds: float) -> None:
        self.now, self.step_seconds = 0.0, step_seconds

    def __call__(self) -> float:
        self.now += self.step_seconds
        return self.now


def planned_of(services: int, plan_seconds: float) -> int:
    """How many of so many services have a plan after a cycle in which each would make its first."""
    controller = TuningController(
        cast("KubeClient", None),
        {},
        None,
        clock=lambda: 0.0,
        interval_seconds=INTERVAL_SECONDS,
        stopwatch=SlowClock(plan_seconds),
    )
    planned = 0
    for _ in range(services):
        it = Watched(engine=FakeEngine("team-a", shows_steps=True), mode="Auto")
        it.tell()
        it.look(3)
        it.engine.serve(INTERVAL_SECONDS, bad_share=0.2)
        readings = {name: each for (_, name), each in it.engine.look(it.engine.now).readings.items()}
        settings = settings_of(it._service(), UID, killed=False, interval_seconds=INTERVAL_SECONDS)
        observation = Observation(it.engine.now, readings)
        known = _Known(UID, it.tuned, since=0.0, status_seconds=0.0)
        asyncio.run(controller._decide(known, observation, settings, it.told, 300.0))
        planned += known.tuned.state.planned.plan is not None
    return planned


def test_every_service_has_its_plan_while_there_is_time() -> None:
    assert planned_of(3, plan_seconds=0.0) == 3


def test_plans_beyond_the_share_wait_for_another_cycle() -> None:
    assert planned_of(3, plan_seconds=PLANNING_SHARE * INTERVAL_SECONDS / 2) == 2
