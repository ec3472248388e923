r"""Hold the engine's verdicts on requests against those of the client that sent them.

    python -m benchmarks.verdicts OUT --url URL --model NAME --tokenizer DIR --limits-file FILE \
        --rate 30 --requests 10000 --ttft 0.2 --itl 0.03 --device "vLLM 0.32.0 on the CPU"

The engine must follow FILE (SETPOINT_LIMITS_FILE) and have nothing else to do. OUT gets the load test's
folder and `verdicts.json`: how many requests each side calls good and late, and how many the client would
call good if each threshold were looser by what lies between the two: HTTP, the network, and the client's own
reading. The load test's first request, which only looks whether all is well, is told apart by the numbers.
"""

import argparse
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

EDGE_SECONDS = (0.0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05)
"""By which the client's threshold for the first token is loosened; the gaps' mean is hardly touched by it."""
WAIT_SECONDS = 60

Counts = dict[str, float]


def main() -> None:
    """Promise, load, and compare."""
    options = _options()
    options.out.mkdir(parents=True, exist_ok=True)
    _promise(options)
    before = _verdicts(options.url)
    _load(options)
    records = [json.loads(line) for line in (options.out / "requests.jsonl").read_text().splitlines()]
    _wait_until(lambda: _samples(options.url, "vllm:num_requests_running") == 0)
    after = _verdicts(options.url)
    engine = {key: after[key] - before.get(key, 0.0) for key in after if after[key] != before.get(key, 0.0)}
    outcome = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "device": options.device,
        "cores": os.cpu_count(),
        "load": f"{options.rate:g} requests a second, Poisson",
        "thresholds_seconds": {"ttft": options.ttft, "itl": options.itl},
        "requests": len(records),
        "failed": sum(record["error"] is not None for record in records),
        "under_way_at_the_end": sum(record["ended"] is None for record in records),
        "engine": engine,
        "engine_more_than_client": sum(engine.values()) - len(records),
        "client_good": good(records, options.ttft, options.itl),
        "client_good_with_a_looser_first_token": {
            f"{edge * 1000:g} ms": good(records, options.ttft + edge, options.itl) for edge in EDGE_SECONDS
        },
    }
    text = json.dumps(outcome, indent=1)
    (options.out / "verdicts.json").write_text(text + "\n")
    print(text)


def good(records: Sequence[dict[str, Any]], ttft_seconds: float, itl_seconds: float) -> int:
    """Return how many requests were answered within both thresholds, as the client saw it."""
    return sum(
        record["error"] is None
        and record["ended"] is not None
        and record["first"] - record["scheduled"] <= ttft_seconds
        and (record["mean_itl_seconds"] or 0.0) <= itl_seconds
        for record in records
    )


def _promise(options: argparse.Namespace) -> None:
    objectives = [
        {"name": "ttft", "metric": "TimeToFirstToken", "threshold": options.ttft},
        {"name": "itl", "metric": "InterTokenLatency", "threshold": options.itl},
    ]
    generation = int(time.time())
    content = {"generation": generation, "writer": "benchmark", "limits": {}, "objectives": objectives}
    written = options.limits_file.with_suffix(".new")
    written.write_text(json.dumps(content))
    written.replace(options.limits_file)
    _wait_until(lambda: _samples(options.url, "setpoint_engine_limit_generation") >= generation)


def _load(options: argparse.Namespace) -> None:
    command = [
        sys.executable, "-m", "setpoint", "loadtest", "--url", options.url, "--model", options.model,
        "--api", "completions", "--tokenizer", str(options.tokenizer), "--rate", f"{options.rate:g}",
        "--prompt-tokens", options.prompt_tokens, "--output-tokens", options.output_tokens,
        "--duration", f"{options.requests / options.rate:.0f}s", "--warmup", "0s",
        "--slo", f"ttft.p95={options.ttft * 1000:g}ms,itl.p95={options.itl * 1000:g}ms",
        "--out", str(options.out),
    ]  # fmt: skip
    subprocess.run(command, check=True)


def _verdicts(url: str) -> Counts:
    return {
        f"{sample.labels['verdict']} {sample.labels['reason']}".strip(): sample.value
        for sample in _metrics(url)
        if sample.name == "setpoint_requests_total"
    }


def _samples(url: str, name: str) -> float:
    """The greatest sample of a metric; negative when there is none."""
    return max((sample.value for sample in _metrics(url) if sample.name == name), default=-1.0)


def _metrics(url: str) -> list[Any]:
    with urllib.request.urlopen(f"{url}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


def _wait_until(holds: Any) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError("the engine does not follow the limits file, or does not come to rest")
        time.sleep(0.2)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.verdicts", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--url", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--limits-file", type=Path, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--ttft", type=float, required=True, help="seconds")
    parser.add_argument("--itl", type=float, required=True, help="seconds")
    parser.add_argument("--prompt-tokens", default="uniform:256:768")
    parser.add_argument("--output-tokens", default="uniform:64:192")
    parser.add_argument("--device", required=True, help="what is served on what, for the record")
    return parser.parse_args()


if __name__ == "__main__":
    main()
