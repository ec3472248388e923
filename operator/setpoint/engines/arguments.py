"""Command lines as flags: which flags an argument list names, and one list merged over another by flag name.

The form of a command line is enough, no table of what each flag takes: what follows a flag and does not start
with a dash belongs to it. Names are compared as vLLM's parser does (vllm/utils/argparse_utils.py,
FlexibleArgumentParser): `--max_num_seqs` is `--max-num-seqs`, `--compilation-config.mode` is a part of
`--compilation-config`, and `--no-x` is the other value of `--x`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

SHORT_NAMES = {
    "-ac": "attention-config",
    "-asc": "api-server-count",
    "-cc": "compilation-config",
    "-dc": "diffusion-config",
    "-dcp": "decode-context-parallel-size",
    "-dp": "data-parallel-size",
    "-dpa": "data-parallel-address",
    "-dpb": "data-parallel-backend",
    "-dpe": "data-parallel-external-lb",
    "-dph": "data-parallel-hybrid-lb",
    "-dpl": "data-parallel-size-local",
    "-dpm": "data-parallel-multi-port-external-lb",
    "-dpn": "data-parallel-rank",
    "-dpp": "data-parallel-rpc-port",
    "-dpr": "data-parallel-start-rank",
    "-ep": "enable-expert-parallel",
    "-n": "nnodes",
    "-pcp": "prefill-context-parallel-size",
    "-pp": "pipeline-parallel-size",
    "-q": "quantization",
    "-r": "node-rank",
    "-sc": "speculative-config",
    "-t": "tensor-parallel-size",  # argparse takes any prefix that fits one flag only
    "-tp": "tensor-parallel-size",
}
"""Short names of flags, from `vllm serve --help=all` of 0.32.0."""

_NEGATIVE_NUMBER = re.compile(r"-\.?\d")


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag with its values, as written."""

    name: str
    """The long name without dashes in front, of `--no-x` it is `x`; an unknown short name with its dash."""
    index: int
    """Position in the list of the argument that names the flag."""
    arguments: tuple[str, ...]
    """The argument that names the flag and those that belong to it."""


def is_flag(argument: str) -> bool:
    """Return whether an argument names a flag: a negative number, `-` and `--` do not."""
    return argument.startswith("-") and argument not in {"-", "--"} and not _NEGATIVE_NUMBER.match(argument)


def flags(arguments: Sequence[str]) -> Iterator[Flag]:
    """Yield the flags of a command line in order; what stands before the first belongs to none."""
    starts = [index for index, argument in enumerate(arguments) if is_flag(argument)]
    for start, end in pairwise([*starts, len(arguments)]):
        yield Flag(_name(arguments[start]), start, tuple(arguments[start:end]))


def merge(ours: Sequence[str], theirs: Sequence[str]) -> list[str]:
    """Return `theirs`, unchanged, after those flags of `ours` that `theirs` does not name."""
    named = {flag.name for flag in flags(theirs)}
    kept = [argument for flag in flags(ours) if flag.name not in named for argument in flag.arguments]
    return [*kept, *theirs]


def _name(argument: str) -> str:
    written = argument.partition("=")[0].partition(".")[0]
    if written.startswith("--"):
        return written[2:].replace("_", "-").removeprefix("no-")
    return SHORT_NAMES.get(written, written)
