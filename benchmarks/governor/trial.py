"""One engine under one load in virtual time, with a fixed budget or a governed one."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from random import Random
from typing import NamedTuple

from benchmarks.governor.governor import budget_tokens
from benchmarks.governor.loads import LOADS
from benchmarks.governor.predictors import Learned, Oracle, Predictor
from benchmarks.governor.steps import ahead
from setpoint.cli.simulate_files import read_model
from setpoint.simulator.engine import Engine
from setpoint.simulator.gpus import gpu
from setpoint.simulator.limits import EngineConfig, Limits
from setpoint.simulator.memory import kv_cache_blocks
from setpoint.simulator.parameters import Parameters, built_in
from setpoint.simulator.play import Play
from setpoint.simulator.record import Answer
from setpoint.simulator.replica import Replica
from setpoint.simulator.step import Step
from setpoint.simulator.steptime import StepTime

MODEL = Path(__file__).parents[1] / "data" / "h100-llama8b-config.json"
GPU = "H100"
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
    parameters = replace(built_in(GPU), launch_layer_seconds=trial.launch_layer_seconds)
    engine = _engine(parameters, trial.arm, trial.seed)
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
        bad=tuple(offered - sum(_is_good(each, promise) for each in answers) for promise in PROMISES),
    )


def _is_good(answer: Answer, promise: Promise) -> bool:
    return answer.ttft_seconds <= promise.ttft_seconds and answer.mean_itl_seconds <= promise.itl_seconds


@cache
def _config() -> EngineConfig:
    return EngineConfig(
        kv_blocks=kv_cache_blocks(read_model(str(MODEL)), gpu(GPU), TOKENS, 0.92),
        max_model_len=8192,
        max_num_seqs=SEQUENCES,
        max_num_batched_tokens=TOKENS,
    )


def _engine(parameters: Parameters, arm: Arm, seed: int) -> Engine:
    """Return an engine that starts with the default limits, and the arm's at once."""
    step_seconds = StepTime(parameters, gpu(GPU), read_model(str(MODEL)), SEQUENCES)
    if arm.kind == "fixed":
        engine = Engine(_config(), step_seconds)
        engine.set_limits(Limits(min(SEQUENCES, int(arm.value)), int(arm.value)))
        return engine
    predictor = Oracle(step_seconds) if arm.kind == "oracle" else Learned(Random(f"{seed}/noise"))
    return governed(step_seconds, predictor, arm.value)


def governed(step_seconds: Callable[[Step], float], predictor: Predictor, target_seconds: float) -> Engine:
    """Return an engine whose budget is chosen anew after each step that it has scheduled."""

    def seconds(step: Step) -> float:
        took = step_seconds(step)
        predictor.learn(step, took)
        scheduler = engine.scheduler
        tokens = budget_tokens(predictor, ahead(scheduler, step), target_seconds, TOKENS)
        scheduler.limits = Limits(SEQUENCES, tokens)
        return took

    engine = Engine(_config(), seconds)
    return engine
