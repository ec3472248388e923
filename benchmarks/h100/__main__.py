"""Measure the plan's rows on a machine with an H100 and vLLM, as much as fits into some seconds.

    python -m benchmarks.h100 SECONDS ROWS.jsonl     goes on where the last call ended, the server still up

Each row is one line of JSON: device, driver, vLLM, date, the flags of the start, the live limits, what the
server's own metrics say of the row, the GPU's clock and power in the middle, and the load test's report.
"""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.h100 import model, server
from benchmarks.h100.plan import STARTS, Cell, Start

_MODEL = server.LIMITS_FILE.parent / "m8b"
_RUNNING = server.LIMITS_FILE.parent / "running-start"
_START_SECONDS = 200
"""What a start takes at most with its compilation: less than this left, and none is begun."""
_GAUGES = ("num_requests_running", "num_requests_waiting", "kv_cache_usage_perc")
_COUNTERS = ("num_preemptions_total", "prefix_cache_queries_total", "prefix_cache_hits_total",
             "prompt_tokens_total", "generation_tokens_total")  # fmt: skip


def main() -> int:
    """Run until the plan is done or the time is over."""
    end = time.monotonic() + float(sys.argv[1])
    path = Path(sys.argv[2])
    done = {(row["start"], row["cell"]) for row in _rows(path)}
    if not _MODEL.exists():
        model.write(_MODEL, "8b")
    for start in STARTS:
        for cell in start.cells:
            if (start.name, cell.name) in done:
                continue
            if not _is_running(start) and (end - time.monotonic() < _START_SECONDS or not _begin(start)):
                return 0
            if end - time.monotonic() < _seconds(cell) + 12:
                return 0
            row = _measure(start, cell)
            with path.open("a") as file:
                file.write(json.dumps(row) + "\n")
            _print(row)
    return 0


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _is_running(start: Start) -> bool:
    return _RUNNING.exists() and _RUNNING.read_text() == start.name


def _begin(start: Start) -> bool:
    _RUNNING.unlink(missing_ok=True)
    seconds = server.start(_MODEL, list(start.flags))
    print(f"{start.name}: healthy after {seconds:.0f} s", flush=True)
    _RUNNING.write_text(start.name)
    return True


def _seconds(cell: Cell) -> float:
    """The length of a cell's run, its warm-up included."""
    return float(cell.load[cell.load.index("--duration") + 1].removesuffix("s"))


def _measure(start: Start, cell: Cell) -> dict[str, Any]:
    limits = cell.limits or start.limits
    partial = server.LIMITS_FILE.with_suffix(".new")
    partial.write_text(json.dumps(limits))
    partial.rename(server.LIMITS_FILE)
    before = _metrics()
    middle: dict[str, Any] = {}
    watch = threading.Timer(_seconds(cell) * 0.7, lambda: middle.update(_gpu(), metrics=_metrics()))
    watch.start()
    command = [sys.executable, "-m", "setpoint", "loadtest", "--url", server.URL,
               "--model", server.MODEL_NAME, "--api", "completions",
               "--tokenizer", str(_MODEL), "--json", *cell.load]  # fmt: skip
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    watch.join()
    after = _metrics()
    return {
        "start": start.name,
        "cell": cell.name,
        "flags": list(start.flags),
        "limits": limits,
        "load": list(cell.load),
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **_machine(),
        "counted": {name: after[name] - before[name] for name in _COUNTERS if name in after},
        "middle": middle,
        "report": json.loads(run.stdout) if run.stdout.strip() else None,
        "exit_status": run.returncode,
        "said": run.stderr[-2000:] if run.returncode else "",
    }


def _metrics() -> dict[str, float]:
    with urllib.request.urlopen(f"{server.URL}/metrics", timeout=20) as answer:
        lines = answer.read().decode().splitlines()
    found: dict[str, float] = {}
    for line in lines:
        name = line.partition("{")[0].removeprefix("vllm:")
        if name in _GAUGES + _COUNTERS:
            found[name] = found.get(name, 0.0) + float(line.rsplit(" ", 1)[1])
    return found


def _gpu() -> dict[str, str]:
    names = ("clocks.sm", "power.draw", "temperature.gpu")
    return dict(zip(names, _nvidia_smi(names), strict=True))


def _machine() -> dict[str, str]:
    name, driver = _nvidia_smi(("name", "driver_version"))
    return {"device": name, "driver": driver, "vllm": version("vllm"), "cores": str(os.cpu_count())}


def _nvidia_smi(names: tuple[str, ...]) -> list[str]:
    query = ["nvidia-smi", f"--query-gpu={','.join(names)}", "--format=csv,noheader,nounits"]
    line = subprocess.run(query, check=True, capture_output=True, text=True).stdout
    return [value.strip() for value in line.split(",")]


def _print(row: dict[str, Any]) -> None:
    stage = (row["report"] or {}).get("stages", [{}])[0]
    p95 = {name: (stage.get(name) or {}).get("p95", {}).get("value") for name in ("ttft", "itl")}
    tokens = (stage.get("output_tokens_per_second") or {}).get("value")
    verdict = {name: stage.get(name) for name in ("stationary", "invalid")}
    print(row["start"], row["cell"], tokens, p95, verdict, row["middle"], row["said"][-300:], flush=True)


if __name__ == "__main__":
    sys.exit(main())
