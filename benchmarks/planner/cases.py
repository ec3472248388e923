"""Engines and requests that the planner is tried on, and the promises of each."""

from dataclasses import dataclass, field
from random import Random

from benchmarks.tuner.cases import Promise, Streams, only
from benchmarks.virtual.services import (
    CHAT,
    DOCUMENTS,
    LONG_ANSWERS,
    MAX_MODEL_LEN,
    MEASURED_GPU,
    Hardware,
    model_shape,
    requests,
)
from setpoint.planner.mix import Mix, mix_of
from setpoint.planner.serving import Serving
from setpoint.simulator.gpus import gpu
from setpoint.simulator.parameters import built_in
from setpoint.simulator.start import start_config
from setpoint.workload.objectives import Objective, parse_slo

REQUESTS = {
    "chat": CHAT,
    "documents": DOCUMENTS,
    "long answers": LONG_ANSWERS,
    "varied": requests("lognormal:600:0.8:4000", "lognormal:180:0.7:2000"),
}


@dataclass(frozen=True)
class Case:
    """One engine under one kind of requests, and what p95 between tokens may be, with what it may be to the
    first.
    """

    hardware: Hardware
    requests: str
    """One of REQUESTS."""
    itl_ms: tuple[float, ...] = field(default=(30, 60))
    ttft_ms: float = 1000

    @property
    def serving(self) -> Serving:
        """As `vllm serve` starts it."""
        shape, card = model_shape(self.hardware.model), gpu(self.hardware.gpu)
        start = start_config(shape, card, max_model_len=MAX_MODEL_LEN)
        return Serving(shape, card, built_in(MEASURED_GPU), start)

    @property
    def streams(self) -> Streams:
        """What arrives."""
        return only(REQUESTS[self.requests])

    @property
    def mix(self) -> Mix:
        """What the planner is told of it."""
        return mix_of(REQUESTS[self.requests].shape, Random(0))

    def promise(self, itl_ms: float) -> Promise:
        """Return one of the promises, as what is simulated is judged by it."""
        return Promise(itl_ms / 1000, self.ttft_ms / 1000)

    def promised(self, itl_ms: float) -> tuple[Objective, ...]:
        """Return the same as the planner takes it."""
        return parse_slo(f"itl.p95={itl_ms:g}ms,ttft.p95={self.ttft_ms:g}ms").objectives


CHAT_ON_H100 = Case(Hardware(), "chat", (16, 30, 50, 100))
"""That of the measured rows (docs/h100.md)."""
CASES = (
    CHAT_ON_H100,
    Case(Hardware(), "documents", (20, 30, 50, 100)),
    Case(Hardware(), "long answers", (20, 30, 50)),
    Case(Hardware(), "varied", (30, 100)),
    Case(Hardware(model="3B"), "chat", (15, 30)),
    Case(Hardware(model="14B"), "varied", (30, 50, 100)),
    Case(Hardware(model="30B, 3B active"), "chat"),
    Case(Hardware(gpu="A100"), "chat", (30, 50)),
    Case(Hardware(gpu="H200", model="14B"), "documents", (60,), 2000),
)
