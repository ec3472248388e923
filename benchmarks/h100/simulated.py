"""Hold the simulator against the rows of the H100: the very same requests, in virtual time.

    python -m benchmarks.h100.simulated ROWS.jsonl RESULT.json [PARAMS.json]

Load test and simulator draw arrivals and lengths alike, so a row's load is given again from its seed. The
built-in parameters were fitted to the rows whose limits were not yet moved by the plugin, among others: the
errors of the others, which no fit has seen, are told apart. `benchmarks.simulator.fitting` says how far off
the simulator is where half of the rows are held out.
"""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.h100.plan import DEFAULT_SEQUENCES, DEFAULT_TOKENS
from setpoint.simulator import parameters as known
from setpoint.simulator.check import Cell, median_errors
from setpoint.simulator.experiment import ClosedLoop, OpenLoop, Requests, Service, run
from setpoint.simulator.gpus import gpu
from setpoint.simulator.limits import EngineConfig, Limits
from setpoint.simulator.measured import FIGURES, MORE_FIGURES, Row
from setpoint.simulator.memory import kv_cache_blocks
from setpoint.simulator.model import ModelShape
from setpoint.simulator.replay import by_name
from setpoint.simulator.router import round_robin
from setpoint.simulator.steptime import StepTime
from setpoint.workload.arrivals import Burst
from setpoint.workload.draws import Shape
from setpoint.workload.lengths import parse_lengths

_CONFIG = Path(__file__).parents[1] / "data" / "h100-llama8b-config.json"
_MAX_MODEL_LEN = 8192


def main() -> None:
    """Simulate every row, print the errors and write them."""
    rows = read_rows(Path(sys.argv[1]))
    parameters = known.built_in("H100")
    if len(sys.argv) > 3:
        parameters = known.Parameters.parse(json.loads(Path(sys.argv[3]).read_text()))
    compared = cells(rows, parameters)
    errors, unseen = (errors_of(rows, compared, fitted=fitted) for fitted in (True, False))
    for row, cell in zip(rows, compared, strict=True):
        print(row["cell"], *(f"{name} {_text(cell, name)}" for name in FIGURES))
    print({name: round(error, 3) for name, error in errors.items()})
    print("not fitted:", {name: round(error, 3) for name, error in unseen.items()})
    told = [
        {"start": row["start"], "cell": row["cell"], "fitted": is_fitted(row)}
        | {name: {"measured": cell.row.figures[name], "simulated": cell.simulated[name]} for name in FIGURES}
        for row, cell in zip(rows, compared, strict=True)
    ]
    result = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "median_error": errors,
        "median_error_not_fitted": unseen,
        "rows": told,
    }
    Path(sys.argv[2]).write_text(json.dumps(result, indent=1) + "\n")


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows, each with the limits in force: one that moves none keeps those of the row before."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for before, row in pairwise(rows):
        if row["start"] == before["start"]:
            row["limits"] = row["limits"] or before["limits"]
    return rows


def errors_of(rows: Sequence[dict[str, Any]], compared: Sequence[Cell], *, fitted: bool) -> dict[str, float]:
    """Return the median relative errors over the rows that were fitted, or over the others; {} of none."""
    chosen = [cell for row, cell in zip(rows, compared, strict=True) if is_fitted(row) == fitted]
    return median_errors(chosen) if chosen else {}


def is_fitted(row: dict[str, Any]) -> bool:
    """Return whether the built-in parameters were fitted to the row: to those before the plugin's."""
    return "channel" not in row


def cells(rows: Sequence[dict[str, Any]], parameters: known.Parameters) -> list[Cell]:
    """Return each row beside what is simulated."""
    return [_cell(row, parameters) for row in rows]


def _cell(row: dict[str, Any], parameters: known.Parameters) -> Cell:
    stage = row["report"]["stages"][0]
    flags = dict(zip(row["load"][::2], row["load"][1::2], strict=True))
    duration = float(flags["--duration"].removesuffix("s"))
    requests = Requests(
        Shape(parse_lengths(flags["--prompt-tokens"]), parse_lengths(flags["--output-tokens"])),
        float(flags.get("--shared-prefix", 0)),
    )
    load = (
        ClosedLoop(int(flags["--clients"])) if "--clients" in flags
        else OpenLoop(float(flags["--rate"]), Burst())
    )  # fmt: skip
    # The load test draws for each stage from its seed and its load.
    seed = f"{flags['--seed']}/{flags.get('--clients') or flags['--rate']}"
    rate = None if "--clients" in flags else float(flags["--rate"])
    measured = {"tok_s": stage["output_tokens_per_second"]["value"]}
    for name in FIGURES[1:] + MORE_FIGURES:
        latency, quantile = name.split("_")
        measured[name] = stage[latency][quantile]["value"]
    service = _service(row, parameters)
    record = run(service, load, requests, duration, seed).record
    simulated = by_name(record.figures(stage["warmup_seconds"], duration))
    limits = service.limits
    setting = Row(limits.max_num_active_seqs, limits.max_num_scheduled_tokens, measured, rate)
    return Cell(setting, simulated)


def _service(row: dict[str, Any], parameters: known.Parameters) -> Service:
    shape, card = ModelShape.from_config(json.loads(_CONFIG.read_text())), gpu("H100")
    flags = dict(zip(row["flags"][::2], row["flags"][1::2], strict=True))
    sequences = int(flags.get("--max-num-seqs", DEFAULT_SEQUENCES))
    tokens = int(flags.get("--max-num-batched-tokens", DEFAULT_TOKENS))
    config = EngineConfig(
        kv_cache_blocks(shape, card, tokens), _MAX_MODEL_LEN, sequences, tokens, enable_prefix_caching=True
    )
    moved = row["limits"] or {"max_num_seqs": sequences, "max_num_batched_tokens": tokens}
    # The engine would raise a budget below its cap of sequences; on the H100 it was held, and no cap bound.
    budget = moved["max_num_batched_tokens"]
    limits = Limits(min(moved["max_num_seqs"], budget), budget)
    return Service(config, limits, StepTime(parameters, card, shape, sequences), parameters, round_robin())


def _text(cell: Cell, name: str) -> str:
    return f"{cell.row.figures[name]:.4g} / {cell.simulated[name]:.4g}"


if __name__ == "__main__":
    main()
