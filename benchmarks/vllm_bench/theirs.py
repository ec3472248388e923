"""Run `vllm bench serve`, and take the figures of the same window as ours from its detailed result.

It prints figures over the whole run, the filling at the start and the emptying at the end included; ours are
of a window. Its detailed result has each request's start, time to first token and gaps: from these the very
figures of the window follow. Its own summary is kept beside them.
"""

import json
import subprocess
from itertools import accumulate
from pathlib import Path
from typing import Any

from benchmarks.vllm_bench.load import Load
from setpoint.workload.quantiles import quantile


def run(command: list[str], load: Load, result: Path) -> dict[str, float]:
    """Put `load` on the endpoint and return the figures of its window; the raw result goes to `result`."""
    pace = ["--max-concurrency", str(load.clients)] if load.clients else ["--request-rate", f"{load.rate:g}"]
    arguments = [
        *command, "--backend", "openai", "--endpoint", "/v1/completions", "--base-url", load.url,
        "--model", load.model, "--tokenizer", str(load.tokenizer),
        "--dataset-name", "random", "--random-input-len", str(load.prompt_tokens),
        "--random-output-len", str(load.output_tokens), "--random-range-ratio", "0.5", "--ignore-eos",
        "--num-prompts", str(load.requests), "--seed", str(load.seed), *pace,
        "--percentile-metrics", "ttft,tpot,itl,e2el", "--metric-percentiles", "50,95,99",
        "--save-result", "--save-detailed", "--disable-tqdm",
        "--result-dir", str(result.parent), "--result-filename", result.name,
    ]  # fmt: skip
    subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL)
    found = json.loads(result.read_text())
    figures = of_window(found, load.warmup_seconds, load.seconds)
    result.write_text(json.dumps(_summary(found) | {"window": figures}, indent=1) + "\n")
    return figures


def of_window(found: dict[str, Any], start: float, end: float) -> dict[str, float]:
    """Return the figures from `start` to `end`, in seconds since the first request was sent."""
    zero = min(found["start_times"])
    first, gaps, whole, tokens = [], [], [], 0
    for began, ttft, itls in zip(found["start_times"], found["ttfts"], found["itls"], strict=True):
        arrivals = list(accumulate(itls, initial=began - zero + ttft))
        tokens += sum(start <= moment < end for moment in arrivals)
        if start <= arrivals[0] < end:
            first.append(ttft)
        gaps += [gap for gap, moment in zip(itls, arrivals[1:], strict=True) if start <= moment < end]
        if start <= arrivals[-1] < end:
            whole.append(arrivals[-1] - (began - zero))
    return {
        "tok_s": tokens / (end - start),
        "req_s": len(whole) / (end - start),
        "ttft_p95": quantile(sorted(first), 0.95),
        "itl_p95": quantile(sorted(gaps), 0.95),
        "e2e_p95": quantile(sorted(whole), 0.95),
    }


def _summary(found: dict[str, Any]) -> dict[str, Any]:
    """What the tool says of the whole run, without the lists."""
    return {name: value for name, value in found.items() if not isinstance(value, list)}
