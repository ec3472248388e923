"""How many KV blocks fit into a GPU's memory beside the model, as vLLM's start-up works it out.

vLLM (v1/worker/gpu_worker.py) takes the share gpu_memory_utilization of the memory, less weights, the peak
of activations in a dummy step of max_num_batched_tokens, CUDA graphs and what libraries hold. The peak is
that of the MLP: its gate and up projection and their product, beside the hidden states and the residual.
"""

from setpoint.simulator.gpus import Gpu
from setpoint.simulator.model import ModelShape

GRAPHS_AND_LIBRARIES_BYTES = 480_000_000
"""What an H100 80GB with vLLM 0.25.1 has left over: 29,366 blocks for the 8B model at 512 sequences, 16,384
tokens and a utilization of 0.92 (`vllm:cache_config_info`)."""


def kv_cache_blocks(
    shape: ModelShape,
    gpu: Gpu,
    max_num_batched_tokens: int,
    gpu_memory_utilization: float = 0.92,
    block_size: int = 16,
) -> int:
    """Return the blocks of the KV cache that requests can hold (vLLM keeps one for itself).

    Raises ValueError when the model leaves no room for one.
    """
    width = 3 * shape.intermediate_size * shape.active_experts + 2 * shape.hidden_size
    activation_bytes = max_num_batched_tokens * width * shape.bytes_per_parameter
    spared = gpu.memory_bytes * gpu_memory_utilization
    spared -= shape.weight_bytes + activation_bytes + GRAPHS_AND_LIBRARIES_BYTES
    blocks = int(spared // (shape.kv_bytes_per_token * block_size)) - 1
    if blocks < 1:
        raise ValueError(
            f"no memory is left for the KV cache: weights take {shape.weight_bytes / 1e9:.1f} GB and "
            f"activations {activation_bytes / 1e9:.1f} GB of {gpu.memory_bytes / 1e9:.1f} GB x "
            f"{gpu_memory_utilization}: raise gpu_memory_utilization, lower max_num_batched_tokens, or "
            "take a smaller model"
        )
    return blocks
