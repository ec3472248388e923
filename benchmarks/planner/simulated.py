"""The rate that limits sustain in the simulator, found by bisection, and the best limits by a sweep.

A rate holds when, after a quarter of the time, p95 of the gaps and of first tokens are within the promise and
98 % of what arrived was answered. Each budget is a start of its own, with the KV cache that it leaves, and
with CUDA graphs as the start values capture them.
"""

from dataclasses import dataclass, replace
from statistics import median

from benchmarks.planner.cases import Case
from setpoint.planner.plan import BUDGETS
from setpoint.simulator.experiment import OpenLoop, Service, run
from setpoint.simulator.limits import Limits
from setpoint.simulator.memory import kv_cache_blocks
from setpoint.simulator.record import Figures
from setpoint.simulator.router import round_robin
from setpoint.simulator.steptime import StepTime
from setpoint.workload.arrivals import Burst
from setpoint.workload.objectives import Metric, Objective

_NOT_COUNTED = 0.25
_LEAST_COMPLETED = 0.98
_WIDTH = 0.01
"""Of the bracket that a bisection ends with, as a share of the highest rate."""
_REQUESTS = 4000
"""In a run, about; at least _SHORTEST_SECONDS of them."""
_SHORTEST_SECONDS = 120.0


@dataclass(frozen=True)
class Sustained:
    """The rate that limits sustain, the median over seeds."""

    tokens: int
    sequences: int
    rate_per_second: float


def sustained(
    case: Case, promised: tuple[Objective, ...], tokens: int, sequences: int, highest: float, seeds: int
) -> Sustained:
    """Return the highest rate up to `highest` at which these limits keep the promise in the simulator."""
    service = _service(case, tokens, sequences)
    rates = [_bisected(case, service, promised, highest, seed) for seed in range(seeds)]
    return Sustained(tokens, sequences, median(rates))


def sweep(case: Case, promised: tuple[Objective, ...], highest: float, seeds: int) -> list[Sustained]:
    """Return what each budget up to the start's sustains under the start's cap of sequences."""
    start = case.serving.start
    return [
        sustained(case, promised, tokens, min(start.max_num_seqs, tokens), highest, seeds)
        for tokens in BUDGETS
        if tokens <= start.max_num_batched_tokens
    ]


def _service(case: Case, tokens: int, sequences: int) -> Service:
    serving = case.serving
    blocks = kv_cache_blocks(serving.shape, serving.gpu, tokens)
    config = replace(serving.start, kv_blocks=blocks, max_num_batched_tokens=tokens, max_num_seqs=sequences)
    step_seconds = StepTime(serving.parameters, serving.gpu, serving.shape, serving.start.max_num_seqs)
    return Service(config, Limits.of(config), step_seconds, serving.parameters, round_robin())


def _bisected(
    case: Case, service: Service, promised: tuple[Objective, ...], highest: float, seed: int
) -> float:
    low, high = 0.0, highest
    while high - low > _WIDTH * highest:
        middle = (low + high) / 2
        low, high = (middle, high) if _holds(case, service, promised, middle, seed) else (low, middle)
    return low


def _holds(case: Case, service: Service, promised: tuple[Objective, ...], rate: float, seed: int) -> bool:
    duration = max(_REQUESTS / rate, _SHORTEST_SECONDS)
    play = run(service, OpenLoop(rate, Burst()), case.requests, duration, f"planner/{seed}/{rate}")
    figures = play.record.figures(_NOT_COUNTED * duration, duration)
    offered_per_second = play.outcome(duration).offered / duration
    return figures.req_s >= _LEAST_COMPLETED * offered_per_second and _keeps(figures, promised)


def _keeps(figures: Figures, promised: tuple[Objective, ...]) -> bool:
    seen = {Metric.ITL: figures.itl, Metric.TTFT: figures.ttft}
    for each in promised:
        quantiles = seen[each.metric]
        if quantiles is None or quantiles.p95 > each.threshold_seconds:
            return False
    return True
