"""`vllm serve`'s command line: every option by its real name and type, the few that matter here as
`Arguments`.
"""

import argparse
import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

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


@dataclass(frozen=True)
class Arguments:
    """The options that the stand-in acts on."""

    model: str
    served_names: tuple[str, ...]
    revision: str | None
    host: str
    port: int
    api_keys: tuple[str, ...]
    max_num_seqs: int
    max_num_batched_tokens: int | None
    max_num_active_seqs: int | None
    max_num_queued_reqs: int | None
    max_model_len: int | None
    """None or -1: what the model's configuration says."""
    tensor_parallel_size: int
    shutdown_timeout_seconds: int


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


def parse(arguments: Sequence[str]) -> Arguments:
    """What `vllm ARGUMENTS` asks for. Exits with 2, as vLLM does, on an option it does not know or cannot
    read.
    """
    parser = argparse.ArgumentParser(prog="vllm")
    serve = parser.add_subparsers(dest="command", required=True).add_parser(
        "serve", prog="vllm serve", usage="vllm serve [model_tag] [options]"
    )
    serve.add_argument("model_tag", nargs="?")
    for row in json.loads(Path(__file__).with_name("flags.json").read_text()):
        _add_option(serve, row)
    options = parser.parse_args([_with_dashes(argument) for argument in arguments])
    model = options.model_tag or options.model or _DEFAULT_MODEL
    keys = options.api_key or [key for key in [os.environ.get("VLLM_API_KEY")] if key]
    return Arguments(
        model=model,
        served_names=tuple(options.served_model_name or [model]),
        revision=options.revision,
        host=options.host or "0.0.0.0",
        port=8000 if options.port is None else options.port,
        api_keys=tuple(keys),
        max_num_seqs=256 if options.max_num_seqs is None else options.max_num_seqs,
        max_num_batched_tokens=options.max_num_batched_tokens,
        max_num_active_seqs=options.max_num_active_seqs,
        max_num_queued_reqs=options.max_num_queued_reqs,
        max_model_len=options.max_model_len,
        tensor_parallel_size=options.tensor_parallel_size or 1,
        shutdown_timeout_seconds=options.shutdown_timeout or 0,
    )


def _with_dashes(argument: str) -> str:
    """Spell --max_num_seqs as --max-num-seqs: vLLM takes both."""
    if not argument.startswith("--"):
        return argument
    name, equals, value = argument.partition("=")
    return name.replace("_", "-") + equals + value


def _add_option(parser: argparse.ArgumentParser, row: dict[str, Any]) -> None:
    names, takes = row["names"], row["takes"]
    if takes == "switch":
        parser.add_argument(*names, action="store_true")
    elif takes == "boolean":
        parser.add_argument(*names, action=argparse.BooleanOptionalAction)
    else:
        parser.add_argument(
            *names,
            type=_converter(takes.removesuffix("+")),
            nargs="+" if takes.endswith("+") else None,
            choices=row.get("choices"),
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
    "str": str, "int": int, "float": float,
    "human_readable_int": human_readable_int, "human_readable_int_or_auto": human_readable_int_or_auto,
}  # fmt: skip
