"""Sweep a simulated engine in a closed loop, and write the table as a measured one.

As benchmarks/data/h100-llama8b-in512-out128-c256.json was measured: one engine start with prefix cache off,
limits moved live, sequences first and tokens within them, so long at each cell, of which the first 40 % are
not counted, under continuous load. Each client draws its lengths uniform in 0.5 to 1.5 times the mean.
"""

import argparse
import json
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

from setpoint.cli.documents import DocumentError
from setpoint.cli.simulate_files import read_model, read_parameters_for
from setpoint.cli.typed import typed
from setpoint.simulator.gpus import gpu
from setpoint.simulator.measured import FIGURES, ClosedLoop, Row
from setpoint.simulator.parameters import TYPICAL, Parameters, built_in
from setpoint.simulator.replay import CELL_SECONDS, Machine, replay_closed_loop

_Number = TypeVar("_Number", int, float)
_MOST_CLIENTS, _MOST_TOKENS, _MOST_REPEATS, _LONGEST_CELL_SECONDS = 100_000, 10**6, 100, 3600.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's flags."""
    add = parser.add_argument
    tokens = typed(_number(int, _MOST_TOKENS))
    add("--gpu", required=True, metavar="NAME", help="such as H100")
    add("--model-config", required=True, metavar="FILE", help="the model's config.json")
    add("--params", metavar="FILE",
        help="what `setpoint simulate fit` wrote (built-in ones, for other GPUs a guess)")  # fmt: skip
    add("--clients", required=True, metavar="N", type=typed(_number(int, _MOST_CLIENTS)))
    add("--inlen", required=True, metavar="N", type=tokens, help="mean prompt tokens")
    add("--outlen", required=True, metavar="N", type=tokens, help="mean output tokens")
    add("--seqs", required=True, metavar="N,...", type=typed(_numbers), help="max_num_seqs of the cells")
    add("--toks", required=True, metavar="N,...", type=typed(_numbers),
        help="max_num_batched_tokens of the cells; those below the sequences are left out")  # fmt: skip
    add("--repeats", default=1, metavar="N", type=typed(_number(int, _MOST_REPEATS)),
        help="sweep so often, so that cells are repeated (1)")  # fmt: skip
    add("--cell-seconds", default=CELL_SECONDS, metavar="S",
        type=typed(_number(float, _LONGEST_CELL_SECONDS)), help=f"virtual ({CELL_SECONDS:g})")  # fmt: skip
    add("out", metavar="OUT.json", type=Path)


def run(options: argparse.Namespace) -> int:
    """Sweep, and write the table; return the exit status. Raises DocumentError when an input is wrong."""
    shape = read_model(options.model_config)
    limits = [each for each in product(options.seqs, options.toks) if each[0] <= each[1]] * options.repeats
    if not limits:
        raise DocumentError(
            f"--toks: all of {options.toks} are below --seqs, {options.seqs}, and an engine takes no budget "
            "below one token for each sequence: raise the one or lower the other"
        )
    sweep = ClosedLoop(
        options.clients, options.inlen, options.outlen, tuple(Row(seqs, toks, {}) for seqs, toks in limits)
    )
    try:
        machine = Machine(gpu(options.gpu), shape)
        machine.check_starts([sweep])
    except ValueError as error:
        raise DocumentError(str(error)) from None
    origin, parameters = _parameters(options.gpu, options.params)
    simulated = replay_closed_loop(sweep, machine, parameters, options.cell_seconds)
    content = {
        "engine": "simulated",
        "gpu": options.gpu,
        "parameters": origin,
        "conc": options.clients,
        "inlen": options.inlen,
        "outlen": options.outlen,
        "rows": [
            _row(row, figures, options.cell_seconds)
            for row, figures in zip(sweep.rows, simulated, strict=True)
        ],
    }
    try:
        options.out.write_text(json.dumps(content) + "\n", encoding="utf-8")
    except OSError as error:
        raise DocumentError(f"{options.out}: cannot be written: {error.strerror}") from None
    return 0


def _parameters(gpu_name: str, path: str | None) -> tuple[str, Parameters]:
    """Return where the simulator's parameters are from, and the parameters."""
    if path:
        return "fitted", read_parameters_for(gpu_name, path)
    try:
        return "built-in", built_in(gpu_name)
    except ValueError:
        return "typical", TYPICAL


def _row(row: Row, figures: dict[str, float], cell_seconds: float) -> dict[str, Any]:
    """Return a row as the table has it, with the decimals that the measured one has.

    Raises DocumentError for a cell in which nothing came back, which no reader would take.
    """
    seqs, toks = row.max_num_seqs, row.max_num_batched_tokens
    rounded = {name: round(value, 1 if name == "tok_s" else 4) for name, value in figures.items()}
    if not all(rounded[figure] for figure in FIGURES):
        raise DocumentError(
            f"--cell-seconds: in {cell_seconds:g} s at {seqs} sequences and {toks} tokens no request came to "
            "its first tokens: stay longer at a cell"
        )
    return {"seqs": seqs, "toks": toks, "seconds": cell_seconds, **rounded}


def _numbers(text: str) -> list[int]:
    number = _number(int, _MOST_TOKENS)
    return [number(each) for each in text.split(",")]


def _number(kind: Callable[[str], _Number], most: float) -> Callable[[str], _Number]:
    """Return a parser of numbers above 0."""

    def number(text: str) -> _Number:
        try:
            value = kind(text)
        except ValueError:
            value = kind("0")
        if not 0 < value <= most:
            whole = "whole number" if kind is int else "number"
            raise ValueError(f"{text!r} is not a {whole} above 0, at most {most:g}")
        return value

    return number
