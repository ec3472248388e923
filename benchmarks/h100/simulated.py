"""Hold the simulator against the rows of the H100: the very same requests, in virtual time.

    python -m benchmarks.h100.simulated ROWS.jsonl RESULT.json [PARAMS.json]

Load test and simulator draw arrivals and lengths alike, so a row's load is given again from its seed. None of
these rows was seen when the built-in parameters were fitted; a refit has to say which rows it took.
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from setpoint.simulator import parameters as known
from setpoint.simulator.experiment import ClosedLoop, OpenLoop, Requests, Service, run
from setpoint.simulator.gpus import gpu
from setpoint.simulator.limits import EngineConfig, Limits
from setpoint.simulator.memory import kv_cache_blocks
from setpoint.simulator.model import ModelShape
from setpoint.simulator.router import round_robin
from setpoint.simulator.steptime import StepTime
from setpoint.workload.arrivals import Burst
from setpoint.workload.lengths import parse_lengths

_CONFIG = Path(__file__).parents[1] / "data" / "h100-llama8b-config.json"
_FIGURES = ("tok_s", "ttft_p95", "itl_p95")
_MAX_MODEL_LEN, _SEQUENCES, _TOKENS = 8192, 1024, 8192


def main() -> None:
    """Simulate every row, print the errors and write them."""
    rows = [json.loads(line) for line in Path(sys.argv[1]).read_text().splitlines()]
    parameters = known.built_in("H100")
    if len(sys.argv) > 3:
        parameters = known.Parameters.parse(json.loads(Path(sys.argv[3]).read_text()))
    compared = [_compare(row, parameters) for row in rows]
    errors = {
        name: median(abs(row[name]["simulated"] / row[name]["measured"] - 1) for row in compared)
        for name in _FIGURES
    }
    for row in compared:
        print(row["cell"], *(f"{name} {_text(row[name])}" for name in _FIGURES))
    print({name: round(error, 3) for name, error in errors.items()})
    result = {"date": datetime.now(UTC).strftime("%Y-%m-%d"), "median_error": errors, "rows": compared}
    Path(sys.argv[2]).write_text(json.dumps(result, indent=1) + "\n")


def _compare(row: dict[str, Any], parameters: known.Parameters) -> dict[str, Any]:
    stage = row["report"]["stages"][0]
    flags = dict(zip(row["load"][::2], row["load"][1::2], strict=True))
    duration = float(flags["--duration"].removesuffix("s"))
    requests = Requests(
        parse_lengths(flags["--prompt-tokens"]),
        parse_lengths(flags["--output-tokens"]),
        float(flags.get("--shared-prefix", 0)),
    )
    load = (
        ClosedLoop(int(flags["--clients"])) if "--clients" in flags
        else OpenLoop(float(flags["--rate"]), Burst())
    )  # fmt: skip
    # The load test draws for each stage from its seed and its load.
    seed = f"{flags['--seed']}/{flags.get('--clients') or flags['--rate']}"
    record = run(_service(row, parameters), load, requests, duration, seed)
    figures = record.figures(stage["warmup_seconds"], duration)
    measured = {
        "tok_s": stage["output_tokens_per_second"]["value"],
        "ttft_p95": stage["ttft"]["p95"]["value"],
        "itl_p95": stage["itl"]["p95"]["value"],
    }
    simulated = {
        "tok_s": figures.tok_s,
        "ttft_p95": figures.ttft.p95 if figures.ttft else 0.0,
        "itl_p95": figures.itl.p95 if figures.itl else 0.0,
    }
    pairs = {name: {"measured": measured[name], "simulated": simulated[name]} for name in _FIGURES}
    return {"start": row["start"], "cell": row["cell"], **pairs}


def _service(row: dict[str, Any], parameters: known.Parameters) -> Service:
    shape, card = ModelShape.from_config(json.loads(_CONFIG.read_text())), gpu("H100")
    flags = dict(zip(row["flags"][::2], row["flags"][1::2], strict=True))
    sequences = int(flags.get("--max-num-seqs", _SEQUENCES))
    tokens = int(flags.get("--max-num-batched-tokens", _TOKENS))
    config = EngineConfig(
        kv_cache_blocks(shape, card, tokens), _MAX_MODEL_LEN, sequences, tokens, enable_prefix_caching=True
    )
    moved = row["limits"] or {"max_num_seqs": sequences, "max_num_batched_tokens": tokens}
    # The engine would raise a budget below its cap of sequences; on the H100 it was held, and no cap bound.
    budget = moved["max_num_batched_tokens"]
    limits = Limits(min(moved["max_num_seqs"], budget), budget)
    return Service(config, limits, StepTime(parameters, card, shape, sequences), parameters, round_robin())


def _text(pair: dict[str, float]) -> str:
    return f"{pair['measured']:.4g} / {pair['simulated']:.4g}"


if __name__ == "__main__":
    main()
