"""What `vllm serve` starts with for a model on a GPU, where its command line leaves things open."""

from setpoint.simulator.batch_defaults import batch_limits
from setpoint.simulator.gpus import Gpu
from setpoint.simulator.limits import EngineConfig
from setpoint.simulator.memory import kv_cache_blocks
from setpoint.simulator.model import ModelShape

GPU_MEMORY_UTILIZATION = 0.92
"""vLLM's default."""


def start_config(
    shape: ModelShape,
    gpu: Gpu,
    *,
    max_model_len: int | None = None,
    max_num_seqs: int | None = None,
    max_num_batched_tokens: int | None = None,
    gpu_memory_utilization: float = GPU_MEMORY_UTILIZATION,
    enable_prefix_caching: bool = True,
) -> EngineConfig:
    """Return it; None is vLLM's default.

    Raises ValueError, naming value and remedy, for what fits neither the model nor the GPU's memory.
    """
    length = max_model_len or shape.context_tokens
    if length > shape.context_tokens:
        raise ValueError(
            f"max_model_len ({length}) is more than the model's own ({shape.context_tokens}): lower it"
        )
    seqs, tokens = batch_limits(gpu, length, max_num_seqs, max_num_batched_tokens)
    return EngineConfig(
        kv_blocks=kv_cache_blocks(shape, gpu, tokens, gpu_memory_utilization),
        max_model_len=length,
        max_num_seqs=seqs,
        max_num_batched_tokens=tokens,
        enable_prefix_caching=enable_prefix_caching,
    )
