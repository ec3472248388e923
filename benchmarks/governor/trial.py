"""One engine under one load in virtual time, with a fixed budget or a governed one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import NamedTuple

from benchmarks.governor.governor import budget_tokens
from benchmarks.governor.loads import LOADS
from benchmarks.governor.predictors import Learned, Oracle, Predictor
from benchmarks.governor.steps import ahead
from benchmarks.virtual.services import MEASURED_GPU, objectives, service
from benchmarks.virtual.verdicts import is_good
from setpoint.simulator.engine import Engine
from setpoint.simulator.experiment import Service
from setpoint.simulator.limits import Limits
from setpoint.simulator.parameters import built_in
from setpoint.simulator.play import Play
from setpoint.simulator.record import Answer
from setpoint.simulator.replica import Replica
from setpoint.simulator.step import Step

SEQUENCES, TOKENS = 1024, 8192
"""What `vllm serve` starts with on an H100. Every arm moves limits within them, live."""
WINDOW_SECONDS = 600.0


class Promise(NamedTuple):
    """Thresholds of 95 % of the gaps between tokens and of the first tokens."""

    itl_seconds: float
    ttft_seconds: float


PROMISES = (*(Promise(itl, 1.0) for itl in (0.025, 0.03, 0.04, 0.05, 0.075)), Promise(0.1, 2.0))


class Arm(NamedTuple):
    """What decides on the budget: `fixed` at some tokens, `learned` or `oracle` for a target in seconds."""

    kind: str
    value: float


class Trial(NamedTuple):
    """What to run."""

    load: str
    launch_layer_seconds: float
    arm: Arm
    seed: int
    rate_per_second: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it in the window."""

    itl_p95_seconds: float
    ttft_p95_seconds: float
    completed_share: float
    """Answers that ended, of the requests that were sent."""
    offered: int
    bad: tuple[int, ...]
    """Requests sent that, for each of PROMISES, were not answered or broke it themselves."""

    def holds(self, promise: Promise) -> bool:
        """Whether p95s are within the promise and answers keep up with arrivals."""
        return (
            self.itl_p95_seconds <= promise.itl_seconds
            and self.ttft_p95_seconds <= promise.ttft_seconds
            and self.completed_share >= 0.98
        )


def run(trial: Trial) -> Outcome:
    """Play it and judge it."""
    load = LOADS[trial.load]
    parameters = replace(built_in(MEASURED_GPU), launch_layer_seconds=trial.launch_layer_seconds)
    engine = _engine(service(parameters=parameters), trial.arm, trial.seed)
    play = Play([Replica(engine, parameters)], parameters.network_seconds)
    requests = list(load.sent(trial.rate_per_second, WINDOW_SECONDS, trial.seed))
    play.send(requests)
    start = load.warm_up_seconds
    end = start + WINDOW_SECONDS
    play.run_until(end + load.drain_seconds)
    figures = play.record.figures(start, end)
    offered = sum(start <= when < end for when, _ in requests)
    answers = [each for each in play.record.answers if start <= each.sent_seconds < end]
    return Outcome(
        itl_p95_seconds=figures.itl.p95 if figures.itl else 0.0,
        ttft_p95_seconds=figures.ttft.p95 if figures.ttft else float("inf"),
        completed_share=figures.req_s * WINDOW_SECONDS / offered,
        offered=offered,
        bad=tuple(_bad(answers, offered, promise) for promise in PROMISES),
    )


def _bad(answers: Sequence[Answer], offered: int, promise: Promise) -> int:
    promised = objectives(promise.itl_seconds, promise.ttft_seconds)
    return offered - sum(is_good(each, promised) for each in answers)


def _engine(started: Service, arm: Arm, seed: int) -> Engine:
    """Return an engine that starts with the default limits, and the arm's at once."""
    if arm.kind == "fixed":
        engine = Engine(started.config, started.step_seconds)
        engine.set_limits(Limits(min(SEQUENCES, int(arm.value)), int(arm.value)))
        return engine
    predictor = Oracle(started.step_seconds) if arm.kind == "oracle" else Learned(Random(f"{seed}/noise"))
    return governed(started, predictor, arm.value)


def governed(started: Service, predictor: Predictor, target_seconds: float) -> Engine:
    """Return an engine whose budget is chosen anew after each step that it has scheduled."""

    def seconds(step: Step) -> float:
        took = started.step_seconds(step)
        predictor.learn(step, took)
        scheduler = engine.scheduler
        tokens = budget_tokens(predictor, ahead(scheduler, step), target_seconds, TOKENS)
        scheduler.limits = Limits(SEQUENCES, tokens)
        return took

    engine = Engine(started.config, seconds)
    return engine
