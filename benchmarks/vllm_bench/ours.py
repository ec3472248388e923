"""Run `setpoint loadtest` and take its figures."""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.vllm_bench.load import Load


def run(load: Load, result: Path) -> dict[str, float]:
    """Put `load` on the endpoint and return the figures of its window; the report goes to `result`."""
    pace = ["--clients", str(load.clients)] if load.clients else ["--rate", f"{load.rate:g}"]
    command = [
        sys.executable, "-m", "setpoint", "loadtest", "--url", load.url, "--model", load.model,
        "--api", "completions", "--tokenizer", str(load.tokenizer), *pace,
        "--prompt-tokens", _uniform(load.prompt_tokens), "--output-tokens", _uniform(load.output_tokens),
        "--duration", f"{load.seconds:g}s", "--warmup", f"{load.warmup_seconds:g}s",
        "--seed", str(load.seed), "--json",
    ]  # fmt: skip
    report = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    result.write_text(report)
    stage = json.loads(report)["stages"][0]
    if stage["invalid"] or stage["errors"]:
        print(f"caution: {stage['invalid']} {stage['errors']}", file=sys.stderr)
    return {
        "tok_s": stage["output_tokens_per_second"]["value"],
        "req_s": stage["requests_per_second"]["value"],
        **{f"{name}_p95": stage[name]["p95"]["value"] for name in ("ttft", "itl", "e2e")},
    }


def _uniform(mean: int) -> str:
    return f"uniform:{mean // 2}:{mean * 3 // 2}"
