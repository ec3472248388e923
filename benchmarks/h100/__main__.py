"""Measure the plan's rows on a machine with an H100 and vLLM, as much as fits into some seconds.

    python -m benchmarks.h100 SECONDS ROWS.jsonl [START or CELL ...]
    python -m benchmarks.h100 SECONDS ROWS.jsonl --plan

It goes on where the last call ended, the server still up. `--plan` says what is missing and how long it is.

Each row is one line of JSON: device, driver, vLLM, date, the flags of the start, the live limits as the
gauges of each rank tell them before and after the load, what the server's metrics say of the row, the GPU's
clock and power in the middle, and the load test's report.
"""

import argparse
import json
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.h100 import exposition, limits, machine, plan, running, server
from benchmarks.h100.plan import Cell, Start

_LEAST_START_SECONDS = 200
"""What a start takes at most with its compilation: less than this left, and none is begun."""
_SLACK_SECONDS = 4
_GAUGES = ("num_requests_running", "num_requests_waiting", "kv_cache_usage_perc")
_COUNTERS = ("num_preemptions_total", "prefix_cache_queries_total", "prefix_cache_hits_total",
             "prompt_tokens_total", "generation_tokens_total")  # fmt: skip


def main() -> int:
    """Run until what is wanted is done or the time is over."""
    options = _options()
    end = time.monotonic() + options.seconds
    done = {(row["start"], row["cell"]) for row in _rows(options.rows)}
    cells = plan.missing(done, tuple(options.chosen))
    if options.plan:
        print("\n".join(plan.timetable(cells, running.name())))
        return 0
    for start, cell in cells:
        if not running.is_running(start):
            if end - time.monotonic() < _LEAST_START_SECONDS:
                return 0
            running.begin(start)
        if end - time.monotonic() < cell.seconds + _SLACK_SECONDS:
            return 0
        row = _measure(start, cell)
        if row["report"]:
            with options.rows.open("a") as file:
                file.write(json.dumps(row) + "\n")
        _print(row)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.h100")
    parser.add_argument("seconds", type=float)
    parser.add_argument("rows", type=Path)
    parser.add_argument("chosen", nargs="*", metavar="START or CELL")
    parser.add_argument("--plan", action="store_true", help="measure nothing, say what is missing")
    return parser.parse_intermixed_args()


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _measure(start: Start, cell: Cell) -> dict[str, Any]:
    in_force = limits.put_in_force(server.URL, server.LIMITS_FILE, cell.limits or {})
    before = _counted()
    middle: dict[str, Any] = {}
    watch = threading.Timer(cell.load_seconds * 0.7, lambda: middle.update(machine.gpu(), metrics=_counted()))
    watch.start()
    command = [sys.executable, "-m", "setpoint", "loadtest", "--url", server.URL,
               "--model", server.MODEL_NAME, "--api", "completions",
               "--tokenizer", str(server.MODEL), "--json", *cell.load]  # fmt: skip
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    watch.join()
    after = _counted()
    (first, *_) = in_force.ranks.values()
    return {
        "start": start.name,
        "cell": cell.name,
        "flags": list(start.flags),
        "channel": limits.CHANNEL,
        "limits": {"max_num_seqs": first["seqs"], "max_num_batched_tokens": first["tokens"]},
        "in_force": in_force.ranks,
        "in_force_after": exposition.in_force(exposition.read(server.URL)).ranks,
        "generation": in_force.generation,
        "load": list(cell.load),
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **machine.description(),
        "counted": {name: after[name] - before[name] for name in _COUNTERS if name in after},
        "middle": middle,
        "report": json.loads(run.stdout) if run.stdout.strip() else None,
        "exit_status": run.returncode,
        "said": run.stderr[-2000:] if run.returncode else "",
    }


def _counted() -> dict[str, float]:
    return exposition.totals(exposition.read(server.URL), _GAUGES + _COUNTERS)


def _print(row: dict[str, Any]) -> None:
    stage = (row["report"] or {}).get("stages", [{}])[0]
    p95 = {name: (stage.get(name) or {}).get("p95") for name in ("ttft", "itl")}
    tokens = (stage.get("output_tokens_per_second") or {}).get("value")
    verdict = {name: stage.get(name) for name in ("stationary", "unsteady", "invalid")}
    limits_told = (row["in_force"], row["in_force_after"])
    print(
        row["start"],
        row["cell"],
        tokens,
        p95,
        verdict,
        limits_told,
        row["middle"],
        row["said"][-300:],
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
