"""Fits the H100's parameters, to every other row and to every row, and prints the errors of both.

`python -m benchmarks.simulator.fitting` takes six minutes of two cores. The second fit becomes the
package's built-in parameters; both go to results/, with machine and date, beside the errors of the numbers
that both begin at: what a fit is worth is what it gains over those. `--start` judges these alone, in seconds.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.h100 import simulated
from benchmarks.simulator.machine import description
from setpoint.simulator import parameters as parameters_module
from setpoint.simulator.check import Cell, median_errors, rank_correlations
from setpoint.simulator.fit import Fitted, Replay, cells, fit
from setpoint.simulator.gpus import gpu
from setpoint.simulator.measured import FIGURES, read_table
from setpoint.simulator.memory import kv_cache_blocks
from setpoint.simulator.model import ModelShape
from setpoint.simulator.parameters import TYPICAL, Parameters
from setpoint.simulator.replay import CEILING_TOKENS, Machine

GPU = "H100"
DATA = Path(__file__).parents[1] / "data"
RESULTS = Path(__file__).parent / "results"
CONFIG, CLOSED, OPEN = (
    DATA / f"h100-llama8b-{name}" for name in ("config.json", "in512-out128-c256.json", "openloop-chat.jsonl")
)
ROWS = Path(simulated.__file__).parent / "results" / "rows.jsonl"
BUILT_IN = Path(parameters_module.__file__).with_name("built_in.json")
EVALUATIONS, FIRST_STEP = 180, 0.08
"""The start is not far off: a longer fit to the even rows led to its numbers."""
START = "not fitted: the start"
MEASURED_BLOCKS = 29_366
"""`num_gpu_blocks` of the engine that the tables were measured on, of which it keeps one."""


def even(number: int) -> bool:
    """Return whether a row is fitted when the others are held out."""
    return number % 2 == 0


def every(_: int) -> bool:
    """Return that each row is fitted."""
    return True


def main() -> None:
    """Fit twice, side by side, and write what came of it."""
    if "--start" in sys.argv[1:]:
        written = json.loads((RESULTS / "fit.json").read_text(encoding="utf-8"))
        write(written | {START: {"parameters": asdict(TYPICAL), **errors(TYPICAL)}})
        return
    with ProcessPoolExecutor(2) as fits:
        half, whole = (fits.submit(fitted, name, counts) for name, counts in (("half", even), ("all", every)))
    shape = read_shape()
    results = {
        "machine": description(),
        "kv_blocks": {
            "measured": MEASURED_BLOCKS - 1,
            "predicted": kv_cache_blocks(shape, gpu(GPU), CEILING_TOKENS),
        },
        START: {"parameters": asdict(TYPICAL), **errors(TYPICAL)},
        "fitted to every other row": judged(half.result()),
        "fitted to every row": judged(whole.result()),
    }
    write(results)
    built_in = {GPU: asdict(whole.result().parameters)}
    BUILT_IN.write_text(json.dumps(built_in, indent=2) + "\n", encoding="utf-8")


def write(results: dict[str, Any]) -> None:
    """Keep the results."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "fit.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def read_shape() -> ModelShape:
    """Return the model that all tables were measured with."""
    return ModelShape.from_config(json.loads(CONFIG.read_text(encoding="utf-8")))


def replays() -> dict[str, Replay]:
    """Return what is fitted and judged, by engine and kind of load."""
    machine = Machine(gpu(GPU), read_shape())
    return {
        "vLLM 0.25.1, closed loop": partial(cells, read_table(str(CLOSED)), machine),
        "vLLM 0.25.1, open loop": partial(cells, read_table(str(OPEN)), machine),
        "vLLM 0.26.0": partial(simulated.cells, list(filter(simulated.is_fitted, simulated.read_rows(ROWS)))),
    }


def fitted(name: str, counts: Callable[[int], bool]) -> Fitted:
    """Run a fit, telling how far it is."""
    began = time.monotonic()

    def told(evaluations: int, loss: float) -> None:
        if evaluations % 20 == 0:
            print(
                f"{name}: {evaluations} evaluations, {time.monotonic() - began:.0f} s, loss {loss:.4f}",
                file=sys.stderr,
            )

    return fit(list(replays().values()), TYPICAL, EVALUATIONS, counts, told, FIRST_STEP)


def judged(found: Fitted) -> dict[str, Any]:
    """Return what a fit came to, and how far off it is."""
    return {
        "parameters": asdict(found.parameters),
        "loss": found.loss,
        "evaluations": found.evaluations,
        **errors(found.parameters),
    }


def errors(parameters: Parameters) -> dict[str, Any]:
    """Return and print how far the parameters are off, for the even and the odd rows of each table."""
    groups = {}
    for name, replay in replays().items():
        compared = replay(parameters)
        groups[f"{name}, even rows"], groups[f"{name}, odd rows"] = compared[::2], compared[1::2]
    for name, group in groups.items():
        off, ranks = median_errors(group), rank_correlations(group)
        print(f"{name}: " + ", ".join(f"{each} {off[each]:.1%} (rank {ranks[each]:.3f})" for each in FIGURES))
    return {name: told(group) for name, group in groups.items()}


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
