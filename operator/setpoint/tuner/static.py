"""A token budget for good, chosen from a service's own traffic: the largest of which no step is too long.

It is a recommendation for the engine's arguments. What it would do to first tokens is not predicted: under a
smaller budget a prompt takes more steps.
"""

from dataclasses import dataclass

from setpoint.tuner.knobs import Bounds, Start
from setpoint.tuner.promise import Objective
from setpoint.tuner.steptime import StepTime
from setpoint_vllm.limits_file import Latency

BUDGETS = (256, 384, 512, 640, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 16384)


@dataclass(frozen=True)
class StaticChoice:
    """A budget, and what its longest step is predicted to take."""

    tokens: int
    step_seconds: float


def static_choice(
    line: StepTime, objectives: tuple[Objective, ...], start: Start, bounds: Bounds
) -> StaticChoice | None:
    """Return the budget under which every gap between tokens keeps its promise.

    None when the start's own budget does, when no gap is promised, when even the smallest budget would not,
    or when nothing is known of steps that small.
    """
    thresholds = [each.threshold_seconds for each in objectives if each.latency is Latency.ITL]
    if not thresholds or line.seconds(start.tokens) <= min(thresholds):
        return None
    fitting = [
        budget
        for budget in BUDGETS
        if bounds.least_tokens <= budget < start.tokens and line.seconds(budget) <= min(thresholds)
    ]
    if not fitting or max(fitting) < line.least_tokens / 2:
        return None
    return StaticChoice(max(fitting), line.seconds(max(fitting)))
