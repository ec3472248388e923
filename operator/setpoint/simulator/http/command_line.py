"""`vllm serve`'s command line: every option by its real name and type, those that act here as `Arguments`."""

import argparse
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

_Value = TypeVar("_Value")
_DEFAULT_MODEL = "Qwen/Qwen3-0.6B"
_MULTIPLIERS = {
    "k": 10**3,
    "m": 10**6,
    "g": 10**9,
    "t": 10**12,
    "K": 2**10,
    "M": 2**20,
    "G": 2**30,
    "T": 2**40,
}


@dataclass(frozen=True, slots=True)
class Arguments:
    """The options that the simulator acts on; None where vLLM chooses by itself."""

    model: str
    served_names: tuple[str, ...]
    revision: str | None
    host: str
    port: int
    api_keys: tuple[str, ...]
    middleware: tuple[str, ...]
    shutdown_timeout_seconds: int
    tensor_parallel_size: int
    max_model_len: int | None
    """None or -1: what the model's configuration says."""
    max_num_seqs: int | None
    max_num_batched_tokens: int | None
    max_num_active_seqs: int | None
    long_prefill_token_threshold: int
    """0: prompts of any length may fill a step."""
    max_num_queued_reqs: int | None
    max_num_queued_tokens: int | None
    gpu_memory_utilization: float
    kv_cache_memory_bytes: int | None
    block_size: int
    enable_prefix_caching: bool


def human_readable_int(text: str) -> int:
    """A whole number, or one with a suffix: 1k is 1,000, 1K is 1,024, 25.6k is 25,600."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([kmgtKMGT])", text.strip())
    if not match:
        return int(text)
    number, suffix = match.groups()
    if suffix.isupper() and "." in number:
        raise argparse.ArgumentTypeError(f"Decimals are not allowed with binary suffixes like {suffix}.")
    return int(float(number) * _MULTIPLIERS[suffix])


def human_readable_int_or_auto(text: str) -> int:
    """As human_readable_int, and "auto" or -1 for "the engine decides"."""
    return -1 if text.strip().lower() in {"auto", "-1"} else human_readable_int(text)


def parse(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> Arguments:
    """What `vllm ARGUMENTS` asks for.

    Exits with 2, as vLLM does, on an option that it does not know or cannot read.
    """
    options = _parser().parse_args(_spelled_out(arguments))
    model = options.model_tag or options.model or _DEFAULT_MODEL
    keys = options.api_key or [key for key in [environment.get("VLLM_API_KEY")] if key]
    return Arguments(
        model=model,
        served_names=tuple(options.served_model_name or [model]),
        revision=options.revision,
        host=options.host or "0.0.0.0",  # noqa: S104 - vLLM's default
        port=_given(options.port, 8000),
        api_keys=tuple(keys),
        middleware=tuple(options.middleware or ()),
        shutdown_timeout_seconds=options.shutdown_timeout or 0,
        tensor_parallel_size=_given(options.tensor_parallel_size, 1),
        max_model_len=options.max_model_len,
        max_num_seqs=options.max_num_seqs,
        max_num_batched_tokens=options.max_num_batched_tokens,
        max_num_active_seqs=options.max_num_active_seqs,
        long_prefill_token_threshold=options.long_prefill_token_threshold or 0,
        max_num_queued_reqs=options.max_num_queued_reqs,
        max_num_queued_tokens=options.max_num_queued_tokens,
        gpu_memory_utilization=_given(options.gpu_memory_utilization, 0.92),
        kv_cache_memory_bytes=options.kv_cache_memory_bytes,
        block_size=_given(options.block_size, 16),
        enable_prefix_caching=_given(options.enable_prefix_caching, True),
    )


def _given(value: _Value | None, default: _Value) -> _Value:
    return default if value is None else value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="vllm")
    serve = parser.add_subparsers(dest="command", required=True).add_parser(
        "serve", prog="vllm serve", usage="vllm serve [model_tag] [options]"
    )
    serve.add_argument("model_tag", nargs="?")
    for row in json.loads(Path(__file__).with_name("flags.json").read_text(encoding="utf-8")):
        _add_option(serve, row)
    return parser


def _spelled_out(arguments: Sequence[str]) -> list[str]:
    """The arguments without the spellings that vLLM's parser adds to argparse's.

    Those are underscores for dashes in names, `-O3`, and `--option.key value` for an option that takes JSON,
    of which only the option's name matters here.
    """
    spelled: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        option, dot, _ = name.partition(".")
        if argument.startswith("-O") and len(argument) > 2:
            spelled += ["--optimization-level", argument[2:].removeprefix("=")]
        elif not argument.startswith("--"):
            spelled.append(argument)
        elif dot:
            spelled.append(option.replace("_", "-") + "={}")
            if not equals:
                next(rest, None)
        else:
            spelled.append(name.replace("_", "-") + equals + value)
    return spelled


def _add_option(parser: argparse.ArgumentParser, row: dict[str, Any]) -> None:
    names, takes = row["names"], row["takes"]
    if takes == "switch":
        parser.add_argument(*names, action="store_true")
    elif takes == "boolean":
        parser.add_argument(*names, action=argparse.BooleanOptionalAction)
    else:
        convert, choices = _converter(takes.rstrip("+*")), row.get("choices")
        if takes.endswith("*"):
            parser.add_argument(*names, type=convert, action="append", choices=choices)
        else:
            parser.add_argument(
                *names, type=convert, nargs="+" if takes.endswith("+") else None, choices=choices
            )


def _converter(takes: str) -> Callable[[str], object]:
    convert = _CONVERTERS[takes.removeprefix("optional_")]
    return partial(_optional, convert) if takes.startswith("optional_") else convert


def _optional(convert: Callable[[str], object], text: str) -> object:
    if text in {"", "None"}:
        return None
    try:
        return convert(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"Value {text} cannot be converted to {convert}.") from error


_CONVERTERS: dict[str, Callable[[str], object]] = {
    "str": str,
    "int": int,
    "float": float,
    "human_readable_int": human_readable_int,
    "human_readable_int_or_auto": human_readable_int_or_auto,
}
