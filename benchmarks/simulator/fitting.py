"""Fits the H100's parameters, with cells held out and then to everything, and prints the errors of both.

`python -m benchmarks.simulator.fitting` takes a quarter of an hour. The second fit becomes the package's
built-in parameters; both go to results/, with machine and date.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.simulator.machine import description
from setpoint.simulator import parameters as parameters_module
from setpoint.simulator.check import Cell, median_errors, rank_correlations
from setpoint.simulator.fit import Fitted, cells, fit
from setpoint.simulator.gpus import gpu
from setpoint.simulator.measured import FIGURES, Table, read_table
from setpoint.simulator.memory import kv_cache_blocks
from setpoint.simulator.model import ModelShape
from setpoint.simulator.parameters import TYPICAL
from setpoint.simulator.replay import CEILING_TOKENS, Machine

GPU = "H100"
DATA = Path(__file__).parents[1] / "data"
RESULTS = Path(__file__).parent / "results"
CONFIG, CLOSED, OPEN = (
    DATA / f"h100-llama8b-{name}" for name in ("config.json", "in512-out128-c256.json", "openloop-chat.jsonl")
)
BUILT_IN = Path(parameters_module.__file__).with_name("built_in.json")
EVALUATIONS = 500
MEASURED_BLOCKS = 29_366
"""`num_gpu_blocks` of the engine that the tables were measured on, of which it keeps one."""


def even(number: int) -> bool:
    """Return whether a cell is fitted: every other one, the rest are held out."""
    return number % 2 == 0


def main() -> None:
    """Fit twice, and write what came of it."""
    shape = ModelShape.from_config(json.loads(CONFIG.read_text(encoding="utf-8")))
    machine = Machine(gpu(GPU), shape)
    closed, chat = read_table(str(CLOSED)), read_table(str(OPEN))
    held_out = timed("18 cells", lambda told: fit([closed], machine, TYPICAL, EVALUATIONS, even, told))
    everything = timed(
        "all rows", lambda told: fit([closed, chat], machine, TYPICAL, EVALUATIONS, progress=told)
    )
    results = {
        "machine": description(),
        "kv_blocks": {
            "measured": MEASURED_BLOCKS - 1,
            "predicted": kv_cache_blocks(shape, machine.gpu, CEILING_TOKENS),
        },
        "fitted to 18 cells": judged(held_out, closed, chat, machine),
        "fitted to everything": judged(everything, closed, chat, machine),
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "fit.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    BUILT_IN.write_text(json.dumps({GPU: asdict(everything.parameters)}, indent=2) + "\n", encoding="utf-8")


def timed(name: str, search: Callable[[Callable[[int, float], None]], Fitted]) -> Fitted:
    """Run a fit, telling how far it is."""
    began = time.monotonic()

    def told(evaluations: int, loss: float) -> None:
        if evaluations % 50 == 0:
            print(
                f"{name}: {evaluations} evaluations, {time.monotonic() - began:.0f} s, loss {loss:.4f}",
                file=sys.stderr,
            )

    return search(told)


def judged(fitted: Fitted, closed: Table, chat: Table, machine: Machine) -> dict[str, Any]:
    """Return and print how far the fitted parameters are off, by groups of rows."""
    sweep = cells(closed, machine, fitted.parameters)
    groups = {
        "18 alternating cells": sweep[::2],
        "the other 17": sweep[1::2],
        "48 open-loop rows": cells(chat, machine, fitted.parameters),
    }
    for name, group in groups.items():
        errors, ranks = median_errors(group), rank_correlations(group)
        print(
            f"{name}: " + ", ".join(f"{each} {errors[each]:.1%} (rank {ranks[each]:.3f})" for each in FIGURES)
        )
    return {
        "parameters": asdict(fitted.parameters),
        "loss": fitted.loss,
        "evaluations": fitted.evaluations,
        **{name: told(group) for name, group in groups.items()},
    }


def told(group: Sequence[Cell]) -> dict[str, Any]:
    """Return the errors of a group of rows, and each row."""
    return {
        "median_error": median_errors(group),
        "rank_correlation": rank_correlations(group),
        "rows": [
            {
                **cell.row.settings,
                **{figure: [cell.row.figures[figure], cell.simulated[figure]] for figure in FIGURES},
            }
            for cell in group
        ],
    }


if __name__ == "__main__":
    main()
