"""What would keep a promise that no limits keep: another GPU, more of them, a model in fewer bits.

The plan is made again with each, at its best: GPUs that share a model exchange nothing, and 8 bits halve what
is read and double the rate of multiplying. So what is left out would not keep the promise; what is named may.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from setpoint.planner.mix import Mix
from setpoint.planner.plan import plan
from setpoint.planner.serving import Serving
from setpoint.simulator.gpus import Gpu, known_gpus
from setpoint.workload.objectives import Objective

_TENSOR_PARALLEL = (2, 4, 8)


@dataclass(frozen=True, slots=True)
class Remedy:
    """A change, and the longest gap and the rate that it gives at best."""

    change: str
    step_seconds: float
    rate_per_second: float


def remedies(serving: Serving, objectives: Sequence[Objective], mix: Mix) -> list[Remedy]:
    """Return the changes with which a plan keeps the objectives; of tensor parallelism the fewest GPUs."""
    found: list[Remedy] = []
    for change, changed in _changes(serving):
        planned = plan(changed, objectives, mix)
        if not planned.shortfalls:
            found.append(Remedy(change, planned.step_seconds, planned.rate_per_second))
    for number in _TENSOR_PARALLEL:
        planned = plan(replace(serving, gpu=_together(serving.gpu, number)), objectives, mix)
        if not planned.shortfalls:
            found.append(
                Remedy(f"tensor parallelism over {number}", planned.step_seconds, planned.rate_per_second)
            )
            break
    return found


def _changes(serving: Serving) -> Iterator[tuple[str, Serving]]:
    here = serving.gpu
    for gpu in known_gpus():
        multiplies, reads = gpu.flops_per_second, gpu.bytes_per_second
        if multiplies >= here.flops_per_second and reads > here.bytes_per_second:
            yield f"GPU {gpu.name}", replace(serving, gpu=gpu)
    if serving.shape.bytes_per_parameter > 1:
        halved = replace(serving.shape, bytes_per_parameter=1)
        twice = replace(here, flops_per_second=2 * here.flops_per_second)
        yield "the model in 8 bits", replace(serving, shape=halved, gpu=twice)


def _together(gpu: Gpu, number: int) -> Gpu:
    return Gpu(
        f"{number} x {gpu.name}",
        number * gpu.memory_bytes,
        number * gpu.bytes_per_second,
        number * gpu.flops_per_second,
    )
