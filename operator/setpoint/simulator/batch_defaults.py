"""What `vllm serve` takes where its command line leaves the size of a step open.

As EngineArgs.get_batch_defaults and _set_default_max_num_seqs_and_batched_tokens_args decide it for an API
server (engine/arg_utils.py, 0.32): by the GPU's memory, and less on an A100, which large steps make slower
(vllm#17885).
"""

from setpoint.simulator.gpus import Gpu

_GIB = 2**30


def batch_limits(
    gpu: Gpu, max_model_len: int, max_num_seqs: int | None, max_num_batched_tokens: int | None
) -> tuple[int, int]:
    """Return sequences and tokens of a step: those given, vLLM's defaults for None."""
    default_seqs, default_tokens = _of_gpu(gpu)
    tokens = max_num_batched_tokens
    if tokens is None:
        tokens = min(default_tokens, (max_num_seqs or default_seqs) * max_model_len)
    return max_num_seqs or min(default_seqs, tokens), tokens


def _of_gpu(gpu: Gpu) -> tuple[int, int]:
    if gpu.memory_bytes >= 160 * _GIB:
        return 1024, 16384
    if gpu.memory_bytes >= 70 * _GIB and "a100" not in gpu.name.lower():
        return 1024, 8192
    return 256, 2048
