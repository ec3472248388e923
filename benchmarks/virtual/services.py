"""The services and loads that a tuner is tried on: simulated GPUs, and the promises of what they serve."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from setpoint.cli.simulate_files import read_model
from setpoint.simulator.batch_defaults import batch_limits
from setpoint.simulator.experiment import Requests, Service
from setpoint.simulator.gpus import gpu
from setpoint.simulator.limits import EngineConfig, Limits
from setpoint.simulator.memory import kv_cache_blocks
from setpoint.simulator.model import ModelShape
from setpoint.simulator.parameters import Parameters, built_in
from setpoint.simulator.router import ROUTERS
from setpoint.simulator.steptime import StepTime
from setpoint.tuner.promise import Objective
from setpoint.workload.draws import Shape
from setpoint.workload.lengths import parse_lengths
from setpoint_vllm.limits_file import Latency

MODELS = {
    "8B": Path(__file__).parents[1] / "data" / "h100-llama8b-config.json",
    "14B": Path(__file__).parent / "qwen2.5-14b-config.json",
    "3B": Path(__file__).parent / "llama3.2-3b-config.json",
    "30B, 3B active": Path(__file__).parent / "qwen3-30b-a3b-config.json",
}
MEASURED_GPU = "H100"
"""The only one whose shares of the data sheet were measured: other GPUs are taken to reach the same."""
MAX_MODEL_LEN = 8192


@dataclass(frozen=True)
class Hardware:
    """A model on a GPU, by their names."""

    gpu: str = "H100"
    model: str = "8B"

    def batch_limits(self, tokens: int | None = None) -> tuple[int, int]:
        """Return sequences and tokens of a step as `vllm serve` starts with, given tokens or nothing."""
        return batch_limits(gpu(self.gpu), MAX_MODEL_LEN, None, tokens)


H100_8B = Hardware()


def requests(prompt_tokens: str, output_tokens: str, shared_prefix: float = 0.0) -> Requests:
    """Return requests whose lengths are written as on a command line."""
    return Requests(Shape(parse_lengths(prompt_tokens), parse_lengths(output_tokens)), shared_prefix)


CHAT = requests("uniform:256:768", "uniform:64:192")
DOCUMENTS = requests("uniform:1536:4608", "uniform:64:192")
LONG_ANSWERS = requests("uniform:512:1536", "uniform:512:1536")


def service(
    *,
    sequences: int = 1024,
    tokens: int = 8192,
    replicas: int = 1,
    hardware: Hardware = H100_8B,
    parameters: Parameters | None = None,
) -> Service:
    """Return replicas as `vllm serve` starts them with these limits: those of an H100 unless given, with the
    parameters that were measured on one.
    """
    shape, card = model_shape(hardware.model), gpu(hardware.gpu)
    parameters = parameters or built_in(MEASURED_GPU)
    config = EngineConfig(
        kv_blocks=kv_cache_blocks(shape, card, tokens, 0.92),
        max_model_len=MAX_MODEL_LEN,
        max_num_seqs=sequences,
        max_num_batched_tokens=tokens,
    )
    step_seconds = StepTime(parameters, card, shape, sequences)
    limits = Limits(sequences, tokens)
    return Service(config, limits, step_seconds, parameters, ROUTERS["round-robin"](), replicas)


@cache
def model_shape(model: str) -> ModelShape:
    """Return one of MODELS."""
    return read_model(str(MODELS[model]))


def objectives(itl_seconds: float | None = None, ttft_seconds: float | None = None) -> tuple[Objective, ...]:
    """Return the promise that 95 % of the gaps, and of the first tokens, stay within these thresholds."""
    named = (
        ("between-tokens", Latency.ITL, itl_seconds),
        ("first-token", Latency.TTFT, ttft_seconds),
    )
    return tuple(Objective(name, latency, seconds) for name, latency, seconds in named if seconds)
