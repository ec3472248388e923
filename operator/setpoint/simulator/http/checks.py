"""What vLLM makes of its options once it knows model and GPU, and what it refuses, in its own words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from setpoint.simulator.batch_defaults import batch_limits
from setpoint.simulator.gpus import Gpu
from setpoint.simulator.http.command_line import Arguments

_GIB = 2**30


class OutOfMemoryError(MemoryError):
    """The GPU has no memory left for what is loaded."""


class EngineCoreError(RuntimeError):
    """The engine core could not start, for the reason that is this error's cause; vLLM says so last."""

    def __init__(self) -> None:
        super().__init__(
            "Engine core initialization failed. See root cause above. Failed core proc(s): {'EngineCore': 1}"
        )


@dataclass(frozen=True, slots=True)
class Resolved:
    """The options' values, none of them left open."""

    max_model_len: int
    max_num_seqs: int
    max_num_batched_tokens: int
    max_num_active_seqs: int


def resolve(arguments: Arguments, config: Mapping[str, Any], gpu: Gpu) -> Resolved:
    """Fill in vLLM's defaults.

    Raises ValueError, worded as vLLM 0.32 words it, when the options do not fit one another or the model.
    """
    _check_ranges(arguments)
    max_model_len = _max_model_len(arguments, config)
    seqs, tokens = batch_limits(gpu, max_model_len, arguments.max_num_seqs, arguments.max_num_batched_tokens)
    active = arguments.max_num_active_seqs or seqs
    if tokens < seqs:
        raise ValueError(
            f"max_num_batched_tokens ({tokens}) must be greater than or equal to max_num_seqs ({seqs})."
        )
    if active > seqs:
        raise ValueError(f"max_num_active_seqs ({active}) cannot be greater than max_num_seqs ({seqs}).")
    heads = int(config.get("num_attention_heads", arguments.tensor_parallel_size))
    if heads % arguments.tensor_parallel_size:
        raise ValueError(
            f"Total number of attention heads ({heads}) must be divisible by "
            f"tensor parallel size ({arguments.tensor_parallel_size})."
        )
    return Resolved(max_model_len, seqs, tokens, active)


def check_kv_cache(max_model_len: int, block_size: int, bytes_per_token: int, available_bytes: int) -> None:
    """Raise ValueError, in vLLM's words, when not even one request of the greatest length fits."""
    blocks = -(-max_model_len // block_size)
    needed_bytes = blocks * block_size * bytes_per_token
    if needed_bytes > available_bytes:
        fitting = available_bytes // bytes_per_token // block_size * block_size
        raise ValueError(
            f"To serve at least one request with the model's max seq len ({max_model_len}), "
            f"({needed_bytes / _GIB:.2f} GiB KV cache is needed, which is larger than the available KV cache "
            f"memory ({available_bytes / _GIB:.2f} GiB). Based on the available memory, "
            f"the estimated maximum model length is {fitting}. "
            "Try increasing `gpu_memory_utilization` or decreasing `max_model_len` "
            "when initializing the engine."
        )


def no_kv_cache() -> ValueError:
    """The error of a GPU on which the model leaves no room for the KV cache."""
    return ValueError(
        "No available memory for the cache blocks. "
        "Try increasing `gpu_memory_utilization` when initializing the engine."
    )


def out_of_memory(gpu_memory_bytes: int) -> OutOfMemoryError:
    """The error of a GPU whose memory is full."""
    return OutOfMemoryError(
        f"CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of "
        f"{gpu_memory_bytes / _GIB:.2f} GiB of which 1.21 GiB is free."
    )


def _check_ranges(arguments: Arguments) -> None:
    for name, value, least in (
        ("max_num_seqs", arguments.max_num_seqs, 1),
        ("max_num_batched_tokens", arguments.max_num_batched_tokens, 1),
        ("max_num_active_seqs", arguments.max_num_active_seqs, 1),
        ("tensor_parallel_size", arguments.tensor_parallel_size, 1),
        ("block_size", arguments.block_size, 1),
        ("long_prefill_token_threshold", arguments.long_prefill_token_threshold, 0),
        ("max_num_queued_reqs", arguments.max_num_queued_reqs, 0),
        ("max_num_queued_tokens", arguments.max_num_queued_tokens, 0),
    ):
        if value is not None and value < least:
            raise _invalid(name, f"greater than or equal to {least}")
    if not arguments.gpu_memory_utilization > 0:
        raise _invalid("gpu_memory_utilization", "greater than 0")
    if arguments.gpu_memory_utilization > 1:
        raise _invalid("gpu_memory_utilization", "less than or equal to 1")


def _max_model_len(arguments: Arguments, config: Mapping[str, Any]) -> int:
    """The longest prompt and answer together: the option, or what the model's config.json allows."""
    derived = int(config.get("max_position_embeddings", 2048))
    asked = arguments.max_model_len
    if asked is None or asked == -1:
        return derived
    if asked < 1:
        raise _invalid("max_model_len", "greater than 0")
    if asked > derived:
        raise ValueError(
            f"User-specified max_model_len ({asked}) is greater than the "
            f"derived max_model_len (max_position_embeddings={derived} or model_max_length=None "
            "in model's config.json)."
        )
    return asked


def _invalid(name: str, rule: str) -> ValueError:
    return ValueError(f"1 validation error\n{name}\n  Input should be {rule}")
