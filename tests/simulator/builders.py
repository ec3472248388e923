"""A small engine, model and parameters, with whatever a test changes."""

from dataclasses import replace
from typing import Any

from setpoint.simulator.engine import Engine
from setpoint.simulator.gpus import gpu
from setpoint.simulator.limits import EngineConfig
from setpoint.simulator.model import ModelShape
from setpoint.simulator.parameters import TYPICAL, Parameters
from setpoint.simulator.replay import Machine

LLAMA_8B: dict[str, Any] = {
    "num_hidden_layers": 32,
    "hidden_size": 4096,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
    "vocab_size": 32000,
    "max_position_embeddings": 32768,
    "torch_dtype": "bfloat16",
}


def shape(**changed: Any) -> ModelShape:
    return ModelShape.from_config(LLAMA_8B | changed)


def machine(**changed: Any) -> Machine:
    return Machine(gpu("H100"), shape(**changed))


def parameters(**changed: float) -> Parameters:
    return replace(TYPICAL, **changed)


def config(**changed: Any) -> EngineConfig:
    small = {"kv_blocks": 1000, "max_model_len": 2048, "max_num_seqs": 8, "max_num_batched_tokens": 256}
    return EngineConfig(**small | changed)


def engine(seconds: float = 1.0, **changed: Any) -> Engine:
    """Return one whose steps take so long."""
    ready_seconds = changed.pop("ready_seconds", 0.0)
    return Engine(config(**changed), lambda _: seconds, ready_seconds)
