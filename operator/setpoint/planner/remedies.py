"""What would keep a promise that no limits keep: another GPU, more of them, a model in fewer bits.

The plan is made again with each, at its best: GPUs that share a model exchange nothing, and 8 bits halve the
weights and the KV cache of a token and double the rate of multiplying. So what is left out would not keep the
promise; what is named may.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice

from setpoint.planner.mix import Mix
from setpoint.planner.plan import plan
from setpoint.planner.serving import Serving
from setpoint.simulator.gpus import Gpu, known_gpus
from setpoint.simulator.model import ModelShape
from setpoint.workload.objectives import Objective

Started = Callable[[ModelShape, Gpu], Serving]
"""A model on a GPU as vLLM starts it; raises ValueError where it does not fit."""
_TENSOR_PARALLEL = (2, 4, 8)


@dataclass(frozen=True, slots=True)
class Remedy:
    """A change, and the longest gap and the rate that it gives at best."""

    change: str
    step_seconds: float
    rate_per_second: float


def remedies(
    started: Started, shape: ModelShape, gpu: Gpu, objectives: Sequence[Objective], mix: Mix
) -> list[Remedy]:
    """Return the changes with which a plan keeps the objectives; of tensor parallelism the fewest GPUs."""
    found = [
        remedy
        for change, new_shape, new_gpu in _changes(shape, gpu)
        if (remedy := _tried(change, started, new_shape, new_gpu, objectives, mix))
    ]
    together = (
        _tried(f"tensor parallelism over {number}", started, shape, _together(gpu, number), objectives, mix)
        for number in _TENSOR_PARALLEL
    )
    return [*found, *islice(filter(None, together), 1)]


def _tried(
    change: str, started: Started, shape: ModelShape, gpu: Gpu, objectives: Sequence[Objective], mix: Mix
) -> Remedy | None:
    with suppress(ValueError):  # it does not fit
        planned = plan(started(shape, gpu), objectives, mix)
        if not planned.shortfalls:
            return Remedy(change, planned.step_seconds, planned.rate_per_second)
    return None


def _changes(shape: ModelShape, here: Gpu) -> Iterator[tuple[str, ModelShape, Gpu]]:
    for gpu in known_gpus():
        multiplies, reads = gpu.flops_per_second, gpu.bytes_per_second
        if multiplies >= here.flops_per_second and reads > here.bytes_per_second:
            yield f"GPU {gpu.name}", shape, gpu
    if shape.bytes_per_parameter > 1:
        twice = replace(here, flops_per_second=2 * here.flops_per_second)
        yield "the model in 8 bits", replace(shape, bytes_per_parameter=1), twice


def _together(gpu: Gpu, number: int) -> Gpu:
    return Gpu(
        f"{number} x {gpu.name}",
        number * gpu.memory_bytes,
        number * gpu.bytes_per_second,
        number * gpu.flops_per_second,
    )
