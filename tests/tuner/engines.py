"""What an engine costs and does, for the models of it: a step cost, windows, and the simulated truth."""

from typing import Any

from setpoint.signals.reading import Steps
from setpoint.signals.window import Window
from setpoint.simulator.experiment import Service
from setpoint.simulator.limits import Limits
from setpoint.simulator.router import round_robin
from setpoint.simulator.step import Step
from setpoint.tuner.learning import Learned, learned
from setpoint.tuner.promise import Objective
from setpoint.tuner.stepcost import StepCost
from setpoint_vllm.limits_file import Latency
from tests.simulator.builders import config, parameters
from tests.tuner.builders import a_window

COST = StepCost(6e-3, 2e-5, 2e-8, 29e-3)
CONTEXT_TOKENS = 40 * (512 + 64)
"""Of forty requests that run, in the middle of their answers."""


def a_service(seqs: int, tokens: int) -> Service:
    """A simulated engine whose steps cost COST, in which nothing but the engine core takes time."""

    def seconds(step: Step) -> float:
        return COST.seconds(step.tokens, step.decoding_context_tokens)

    core_alone = parameters(
        network_seconds=0.0, request_seconds=0.0, prompt_token_seconds=0.0, output_token_seconds=0.0
    )
    of = config(kv_blocks=60_000, max_model_len=8192, max_num_seqs=seqs, max_num_batched_tokens=tokens)
    return Service(of, Limits(seqs, tokens), seconds, core_alone, round_robin())


def objectives(itl: float, ttft: float) -> tuple[Objective, ...]:
    """A promise of both kinds, in seconds."""
    return Objective("itl", Latency.ITL, itl), Objective("ttft", Latency.TTFT, ttft)


def a_busy_window(cost: StepCost, **changes: Any) -> Window:
    """A minute of 500 requests with 128 tokens out, 40 of which run at a time."""
    sizes = {64.0: (1200, 40), 512.0: (300, 300), 1024.0: (100, 900)}
    steps = {
        size: Steps(count, count * cost.seconds(tokens, CONTEXT_TOKENS), count * tokens)
        for size, (count, tokens) in sizes.items()
    }
    computed = sum(each.tokens for each in steps.values()) - 64_000
    of: dict[str, Any] = {"steps_by_size": steps, "prompt_tokens": computed, "generation_tokens": 64_000.0}
    return a_window(**{**of, **changes})


def after(windows: int, window: Window) -> Learned:
    """What so many windows like this one teach."""
    known = Learned()
    for _ in range(windows):
        known = learned(known, window)
    return known
