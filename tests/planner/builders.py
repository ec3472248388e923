"""An 8B model on an H100 as `vllm serve` starts it, with whatever a test changes."""

from dataclasses import replace
from typing import Any

from setpoint.planner.mix import Mix
from setpoint.planner.serving import Serving
from setpoint.simulator.gpus import Gpu, gpu
from setpoint.simulator.model import ModelShape
from setpoint.simulator.parameters import built_in
from setpoint.simulator.start import start_config
from setpoint.workload.objectives import Objective, parse_slo
from tests.simulator.builders import shape

CHAT = Mix(512, 128, 0.06)
H100 = gpu("H100")


def serving(card: Gpu = H100, *, model: dict[str, Any] | None = None, **start: Any) -> Serving:
    return restarted(shape(**model or {}), card, **start)


def restarted(of_model: ModelShape, card: Gpu, **start: Any) -> Serving:
    config = start_config(of_model, card, **{"max_model_len": 8192} | start)
    return Serving(of_model, card, built_in("H100"), config)


def faster(card: Gpu = H100, *, reads: float = 1.0, multiplies: float = 1.0) -> Gpu:
    """Return a GPU of the same memory that is so many times as fast."""
    return replace(
        card,
        bytes_per_second=card.bytes_per_second * reads,
        flops_per_second=card.flops_per_second * multiplies,
    )


def promise(itl_ms: float | None = 30, ttft_ms: float | None = 1000) -> tuple[Objective, ...]:
    parts = [f"{name}.p95={ms:.6f}ms" for name, ms in (("itl", itl_ms), ("ttft", ttft_ms)) if ms]
    return parse_slo(",".join(parts)).objectives if parts else ()
