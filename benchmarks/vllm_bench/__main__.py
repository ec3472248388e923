r"""Compare `setpoint loadtest` with `vllm bench serve` on a running endpoint, and keep all that they say.

    python -m benchmarks.vllm_bench OUT --url URL --model NAME --tokenizer DIR --clients 64 --seconds 60 \
        --vllm-bench "vllm bench serve" --device "H100, vLLM 0.26.0"

Both tools run by turns, twice each (--rounds), with other seeds each time; the difference between them is
held against the difference between two runs of one and the same tool.
"""

import argparse
import json
import math
import os
import shlex
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean

from benchmarks.vllm_bench import ours, theirs
from benchmarks.vllm_bench.load import Load

_FIGURES = ("tok_s", "req_s", "ttft_p95", "itl_p95", "e2e_p95")


def main() -> None:
    """Run the rounds, write each tool's output and the table, and print the table."""
    options = _options()
    options.out.mkdir(parents=True, exist_ok=True)
    runs: dict[str, list[dict[str, float]]] = {"setpoint": [], "vllm": []}
    pace = 0.0
    for number in range(1, options.rounds + 1):
        load = _load(options, number, requests=0)
        runs["setpoint"].append(ours.run(load, options.out / f"setpoint-{number}.json"))
        pace = max(pace, runs["setpoint"][-1]["req_s"])
        requests = math.ceil((options.rate or pace) * options.seconds * 1.03) + (options.clients or 0)
        load = _load(options, number, requests)
        command = shlex.split(options.vllm_bench)
        runs["vllm"].append(theirs.run(command, load, options.out / f"vllm-bench-{number}.json"))
    table = {name: _row(runs, name) for name in _FIGURES}
    outcome = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "device": options.device,
        "cores": os.cpu_count(),
        "load": f"{options.clients} clients" if options.clients else f"{options.rate:g} requests a second",
        "seconds": options.seconds,
        "runs": runs,
        "table": table,
    }
    (options.out / "table.json").write_text(json.dumps(outcome, indent=1) + "\n")
    for name, row in table.items():
        print(name, {key: round(value, 4) for key, value in row.items()})


def _row(runs: dict[str, list[dict[str, float]]], name: str) -> dict[str, float]:
    means = {tool: fmean(figures[name] for figures in rounds) for tool, rounds in runs.items()}
    spread = max(
        (max(values) - min(values)) / fmean(values)
        for values in ([figures[name] for figures in rounds] for rounds in runs.values())
    )
    return {**means, "difference": means["setpoint"] / means["vllm"] - 1, "spread_of_one_tool": spread}


def _load(options: argparse.Namespace, seed: int, requests: int) -> Load:
    return Load(
        url=options.url, model=options.model, tokenizer=options.tokenizer, seed=seed, requests=requests,
        prompt_tokens=options.prompt_tokens, output_tokens=options.output_tokens, seconds=options.seconds,
        warmup_seconds=options.warmup, clients=options.clients, rate=options.rate,
    )  # fmt: skip


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.vllm_bench", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--url", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--tokenizer", type=Path, required=True)
    pace = parser.add_mutually_exclusive_group(required=True)
    pace.add_argument("--clients", type=int)
    pace.add_argument("--rate", type=float)
    parser.add_argument("--prompt-tokens", type=int, default=512)
    parser.add_argument("--output-tokens", type=int, default=128)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--warmup", type=float, default=15)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--vllm-bench", default="vllm bench serve")
    parser.add_argument("--device", required=True, help="what is served on what, for the record")
    return parser.parse_args()


if __name__ == "__main__":
    main()
