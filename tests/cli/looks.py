"""The loop of `setpoint tune`, one look after the other."""

import io

from setpoint.cli.tune import Loop
from setpoint.cli.tune_display import Display
from setpoint.cli.tune_engine import read_engine
from setpoint.tuner.promise import Objective
from setpoint.tuner.state import Decision, Mode, OnStop, Settings
from setpoint_vllm.limits_file import Latency
from tests.cli.engines import FakeEngine

OBJECTIVES = (Objective("itl", Latency.ITL, 0.03),)


class Looks:
    """The loop, whose clock goes on by ten seconds with each look."""

    def __init__(self, engine: FakeEngine, mode: Mode = Mode.AUTO, on_stop: OnStop = OnStop.RESTORE) -> None:
        settings = Settings(mode, OBJECTIVES, writer="us", on_stop=on_stop)
        self.out, self.log, self.now = io.StringIO(), io.StringIO(), 1e9
        self.loop = Loop(
            settings, engine.path, lambda now: read_engine(engine.url, now, 5.0), Display(self.out), self.log
        )

    def begin(self) -> None:
        self.loop.begin(self.now)

    def look(self, times: int = 1) -> Decision:
        for _ in range(times):
            self.now += 10
            decision = self.loop.look(self.now)
        return decision

    def until_moved(self) -> None:
        self.begin()
        for _ in range(20):
            if self.look().is_applied:
                return
        raise AssertionError(self.out.getvalue())
