"""The values that vLLM refuses once it knows the model, in vLLM's words."""

from collections.abc import Mapping
from typing import Any

from e2e.fakes.engine.command_line import Arguments


def max_model_len(arguments: Arguments, config: Mapping[str, Any]) -> int:
    """The longest prompt and answer together, in tokens: the option, or what the model's config.json
    allows.
    """
    derived = int(config.get("max_position_embeddings", 2048))
    return arguments.max_model_len if arguments.max_model_len not in (None, -1) else derived


def check(arguments: Arguments, config: Mapping[str, Any]) -> None:
    """Raise ValueError, worded as vLLM 0.32 words it, when the options do not fit one another or the
    model.
    """
    derived = int(config.get("max_position_embeddings", 2048))
    if max_model_len(arguments, config) > derived:
        raise ValueError(
            f"User-specified max_model_len ({arguments.max_model_len}) is greater than the "
            f"derived max_model_len (max_position_embeddings={derived} or model_max_length=None "
            "in model's config.json)."
        )
    for name, value in _positive(arguments).items():
        if value is not None and value < 1:
            raise ValueError(f"1 validation error\n{name}\n  Input should be greater than or equal to 1")
    if (
        arguments.max_num_batched_tokens is not None
        and arguments.max_num_batched_tokens < arguments.max_num_seqs
    ):
        raise ValueError(
            f"max_num_batched_tokens ({arguments.max_num_batched_tokens}) must be greater than or equal to "
            f"max_num_seqs ({arguments.max_num_seqs})."
        )
    if arguments.max_num_active_seqs is not None and arguments.max_num_active_seqs > arguments.max_num_seqs:
        raise ValueError(
            f"max_num_active_seqs ({arguments.max_num_active_seqs}) cannot be greater than "
            f"max_num_seqs ({arguments.max_num_seqs})."
        )
    heads = int(config.get("num_attention_heads", arguments.tensor_parallel_size))
    if heads % arguments.tensor_parallel_size:
        raise ValueError(
            f"Total number of attention heads ({heads}) must be divisible by "
            f"tensor parallel size ({arguments.tensor_parallel_size})."
        )


def _positive(arguments: Arguments) -> dict[str, int | None]:
    return {
        "max_num_seqs": arguments.max_num_seqs,
        "max_num_batched_tokens": arguments.max_num_batched_tokens,
        "max_num_active_seqs": arguments.max_num_active_seqs,
        "tensor_parallel_size": arguments.tensor_parallel_size,
    }
