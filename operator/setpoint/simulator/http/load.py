"""What vLLM does before it serves: fetch the model, check the options against it, and size the KV cache."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from setpoint.simulator.gpus import Gpu, gpu
from setpoint.simulator.http import model_files
from setpoint.simulator.http.checks import (
    EngineCoreError,
    Resolved,
    check_kv_cache,
    no_kv_cache,
    out_of_memory,
    resolve,
)
from setpoint.simulator.http.command_line import Arguments
from setpoint.simulator.http.settings import Settings
from setpoint.simulator.limits import EngineConfig
from setpoint.simulator.memory import kv_cache_blocks
from setpoint.simulator.model import ModelShape
from setpoint.simulator.parameters import Parameters, built_in, of_fit_to
from setpoint.simulator.step import Step
from setpoint.simulator.steptime import StepTime

_DEFAULT_BLOCK_SIZE = 16


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model on a GPU, ready to serve."""

    config: EngineConfig
    max_num_active_seqs: int
    step_seconds: Callable[[Step], float]
    parameters: Parameters
    cache_config: Mapping[str, object]
    """The labels of vllm:cache_config_info."""


async def load(arguments: Arguments, settings: Settings) -> Loaded:
    """Load the model that the command line names.

    Raises OSError when it cannot be had, and in vLLM's words ValueError when it does not go with the options,
    EngineCoreError when it does not fit into the GPU.
    """
    folder = await asyncio.to_thread(model_files.locate, arguments.model, arguments.revision)
    config = model_files.read_config(folder)
    on = gpu(settings.gpu)
    resolved = resolve(arguments, config, on)
    shape = ModelShape.from_config(config)
    parameters = _parameters(settings)
    try:
        max_model_len, blocks = _kv_cache(arguments, resolved, shape, on, settings)
    except (MemoryError, ValueError) as error:
        raise EngineCoreError from error
    await asyncio.sleep(settings.start_seconds)
    return Loaded(
        config=EngineConfig(
            kv_blocks=blocks,
            max_model_len=max_model_len,
            max_num_seqs=resolved.max_num_seqs,
            max_num_batched_tokens=resolved.max_num_batched_tokens,
            block_size=arguments.block_size,
            enable_prefix_caching=arguments.enable_prefix_caching,
        ),
        max_num_active_seqs=resolved.max_num_active_seqs,
        step_seconds=StepTime(parameters, on, shape, resolved.max_num_seqs),
        parameters=parameters,
        cache_config=_cache_config(arguments, blocks, max_model_len),
    )


def _kv_cache(
    arguments: Arguments, resolved: Resolved, shape: ModelShape, on: Gpu, settings: Settings
) -> tuple[int, int]:
    """The longest sequence, and the blocks of the KV cache. Raises OutOfMemoryError and ValueError."""
    if settings.faults.out_of_memory or shape.weight_bytes > on.memory_bytes:
        raise out_of_memory(on.memory_bytes)
    block_size = arguments.block_size
    block_bytes = shape.kv_bytes_per_token * block_size
    if arguments.kv_cache_memory_bytes is not None:
        blocks = arguments.kv_cache_memory_bytes // block_bytes
    else:
        try:
            blocks = kv_cache_blocks(
                shape, on, resolved.max_num_batched_tokens, arguments.gpu_memory_utilization, block_size
            )
        except ValueError:
            raise no_kv_cache() from None
    max_model_len = resolved.max_model_len
    if arguments.max_model_len == -1:
        max_model_len = min(max_model_len, blocks * block_size)
    check_kv_cache(max_model_len, block_size, shape.kv_bytes_per_token, blocks * block_bytes)
    return max_model_len, blocks


def _parameters(settings: Settings) -> Parameters:
    """What was measured of the GPU. Raises ValueError and OSError that name the variable at fault."""
    if settings.parameters is None:
        try:
            return built_in(settings.gpu)
        except ValueError as error:
            raise ValueError(
                f"SETPOINT_SIMULATOR_GPU: {error}; here SETPOINT_SIMULATOR_PARAMS names it"
            ) from None
    try:
        return of_fit_to(settings.gpu, json.loads(settings.parameters.read_text(encoding="utf-8")))
    except ValueError as error:
        raise ValueError(f"SETPOINT_SIMULATOR_PARAMS={settings.parameters}: {error}") from None


def _cache_config(arguments: Arguments, blocks: int, max_model_len: int) -> dict[str, object]:
    """The labels in vLLM; those of what is not simulated as they are without its flags."""
    block_size = arguments.block_size
    return {
        "_block_size_resolved": True,
        "block_size": block_size,
        "cache_dtype": "auto",
        "cache_hit_alignment_tokens": None,
        "effective_attention_block_size": block_size,
        "enable_mamba_shared_prefix_checkpoint": False,
        "enable_prefix_caching": arguments.enable_prefix_caching,
        "gpu_memory_utilization": arguments.gpu_memory_utilization,
        "hash_block_size": None,
        "is_attention_free": False,
        "kv_cache_dtype_skip_layers": [],
        "kv_cache_layout": None,
        "kv_cache_max_concurrency": blocks * block_size / max_model_len,
        "kv_cache_memory_bytes": arguments.kv_cache_memory_bytes,
        "kv_cache_size_tokens": blocks * block_size,
        "kv_offloading_backend": "native",
        "kv_offloading_size": None,
        "kv_sharing_fast_prefill": False,
        "mamba_block_size": None,
        "mamba_cache_dtype": "auto",
        "mamba_cache_mode": "none",
        "mamba_page_size_padded": None,
        "mamba_ssm_cache_dtype": "float32",
        "num_cpu_blocks": None,
        "num_gpu_blocks": blocks,
        "num_gpu_blocks_override": None,
        "prefix_cache_retention_interval": 0,
        "prefix_caching_hash_algo": "sha256",
        "prefix_match_unit": None,
        "replayssm_buffer_len": 16,
        "skip_page_size_padded": None,
        "sliding_window": None,
        "swa_bounded_replay": True,
        "use_kda_recoverssm": False,
        "use_replayssm": False,
        "user_specified_block_size": block_size != _DEFAULT_BLOCK_SIZE,
    }
