"""The services and loads that a tuner is tried on: an 8B Llama-shaped model on simulated H100s."""

from pathlib import Path

from setpoint.cli.simulate_files import read_model
from setpoint.simulator.experiment import Requests, Service
from setpoint.simulator.gpus import gpu
from setpoint.simulator.limits import EngineConfig, Limits
from setpoint.simulator.memory import kv_cache_blocks
from setpoint.simulator.parameters import built_in
from setpoint.simulator.router import ROUTERS
from setpoint.simulator.steptime import StepTime
from setpoint.tuner.promise import Objective
from setpoint.workload.draws import Shape
from setpoint.workload.lengths import parse_lengths
from setpoint_vllm.limits_file import Latency

MODEL = Path(__file__).parents[1] / "data" / "h100-llama8b-config.json"
GPU = "H100"

CHAT = Requests(Shape(parse_lengths("uniform:256:768"), parse_lengths("uniform:64:192")))
DOCUMENTS = Requests(Shape(parse_lengths("uniform:1536:4608"), parse_lengths("uniform:64:192")))
LONG_ANSWERS = Requests(Shape(parse_lengths("uniform:512:1536"), parse_lengths("uniform:512:1536")))


def service(*, sequences: int = 1024, tokens: int = 8192, replicas: int = 1) -> Service:
    """Return replicas as `vllm serve` starts them on an H100, or with other limits."""
    shape, card, parameters = read_model(str(MODEL)), gpu(GPU), built_in(GPU)
    config = EngineConfig(
        kv_blocks=kv_cache_blocks(shape, card, tokens, 0.92),
        max_model_len=8192,
        max_num_seqs=sequences,
        max_num_batched_tokens=tokens,
    )
    step_seconds = StepTime(parameters, card, shape, sequences)
    limits = Limits(sequences, tokens)
    return Service(config, limits, step_seconds, parameters, ROUTERS["round-robin"](), replicas)


def objectives(itl_seconds: float | None = None, ttft_seconds: float | None = None) -> tuple[Objective, ...]:
    """Return the promise that 95 % of the gaps, and of the first tokens, stay within these thresholds."""
    named = (
        ("between-tokens", Latency.ITL, itl_seconds),
        ("first-token", Latency.TTFT, ttft_seconds),
    )
    return tuple(Objective(name, latency, seconds) for name, latency, seconds in named if seconds)
