"""Measure windows of 40 s under fixed limits, the most important one that is missing first.

    python -m benchmarks.h100.windows SECONDS FOLDER [--plan]

What is missing is decided anew after each window, by `brackets`, from FOLDER's windows.jsonl, and where the
tuner ended by its live.jsonl; so a later call goes on where this one ended. `--plan` measures nothing and
says what comes next. The arms' limits are moved live in one running server, which is started if there is
none. A row has the fields of the other rows here, and of the window's requests `answered`, also after it, and
`good`: how many met each promise themselves.
"""

import argparse
import json
import threading
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.h100 import exposition, limits, machine, plan, running, server
from benchmarks.h100.brackets import Limits, Window, by_arm, next_window
from benchmarks.h100.live import FILE as LIVE
from benchmarks.h100.live import lines
from benchmarks.h100.loads import SHAPES, Loads, loads
from setpoint.loadgen.measure import measure
from setpoint.loadgen.plan import OpenPlan
from setpoint.loadgen.promise import is_good
from setpoint.loadgen.report import OpenLoop
from setpoint.workload.arrivals import parse_arrivals
from setpoint.workload.objectives import parse_slo

FILE = "windows.jsonl"
WARM_UP_SECONDS, WINDOW_SECONDS = 8.0, 40.0
PROMISES_MS = (30.0, 50.0)
"""Under which each request is judged itself: no window waits for those that are slower than these allow."""
_FLAGS = {
    "chat": plan.CHAT,
    "long": plan.SHARED_PROMPTS,
}
_AROUND_SECONDS = 12.0
"""What a window takes at most beside its load: limits that come into force, last requests, figures."""


def main() -> None:
    """Measure until nothing is missing or the time is over."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.h100.windows")
    parser.add_argument("seconds", type=float)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--plan", action="store_true", help="measure nothing, say what comes next")
    options = parser.parse_args()
    until = time.monotonic() + options.seconds - (WARM_UP_SECONDS + WINDOW_SECONDS + _AROUND_SECONDS)
    if options.plan:
        print(_next(options.folder) or "nothing is missing")
        return
    options.folder.mkdir(parents=True, exist_ok=True)
    running.have(plan.STARTS[0])
    with loads() as ready:
        try:
            while time.monotonic() < until and (window := _next(options.folder)):
                row = _measured(ready, window)
                if not row["report"]["stages"][0]["itl"]:
                    raise RuntimeError(f"{window}: nothing was answered")
                with (options.folder / FILE).open("a") as file:
                    file.write(json.dumps(row) + "\n")
                print(row["cell"], f"{row['took_seconds']:.0f} s", _figures(row), flush=True)
        finally:
            limits.put_in_force(server.URL, server.LIMITS_FILE, {})


def ended(live: Iterable[Mapping[str, Any]]) -> dict[tuple[str, float], Limits]:
    """Return where the tuner ended, by load and promise in milliseconds; the last of several runs counts."""
    return {
        (line["part"], line["promise_ms"]): Limits(line["ended_at"]["seqs"], line["ended_at"]["tokens"])
        for line in live
        if line["ended_at"]
    }


def _next(folder: Path) -> Window | None:
    return next_window(ended(lines(folder / LIVE)), by_arm(lines(folder / FILE)))


def _measured(ready: Loads, window: Window) -> dict[str, Any]:
    began, rate = time.monotonic(), window.rate_per_second
    wanted = {"seqs": window.limits.sequences, "tokens": window.limits.tokens}
    in_force = limits.put_in_force(server.URL, server.LIMITS_FILE, wanted)
    seconds = WARM_UP_SECONDS + WINDOW_SECONDS
    middle: dict[str, Any] = {}
    watch = threading.Timer(0.7 * seconds, lambda: middle.update(machine.gpu()))
    watch.start()
    load = OpenLoop(rate_per_second=rate, arrivals="poisson")
    # The load test draws for a stage from its seed and its load, so that it gives the same requests.
    open_loop = OpenPlan(parse_arrivals("poisson"), rate, seconds, SHAPES[window.load], f"1/{rate:g}")
    slo = parse_slo(_slo(max(PROMISES_MS)))
    held = ready.hold(load, open_loop, seconds, slo)
    watch.join()
    offered = [each for each in held.records if WARM_UP_SECONDS <= each.scheduled < held.end]
    (first, *_) = in_force.ranks.values()
    return {
        "start": plan.STARTS[0].name,
        "cell": str(window),
        "load_name": window.load,
        "flags": list(plan.STARTS[0].flags),
        "channel": limits.CHANNEL,
        "limits": {"max_num_seqs": first["seqs"], "max_num_batched_tokens": first["tokens"]},
        "in_force": in_force.ranks,
        "in_force_after": exposition.in_force(exposition.read(server.URL)).ranks,
        "generation": in_force.generation,
        "load": ["--rate", f"{rate:g}", "--duration", f"{seconds:g}s", "--warmup", f"{WARM_UP_SECONDS:g}s",
                 "--seed", "1", *_FLAGS[window.load], "--slo", _slo(max(PROMISES_MS))],
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **machine.description(),
        "middle": middle,
        "answered": sum(each.answered for each in offered),
        "good": {
            f"{promise:g}": sum(is_good(parse_slo(_slo(promise)), each) for each in offered)
            for promise in PROMISES_MS
        },
        "report": {"stages": [measure(held, slo, WARM_UP_SECONDS).model_dump()]},
        "took_seconds": time.monotonic() - began,
    }  # fmt: skip


def _slo(promise_ms: float) -> str:
    return f"itl.p95={promise_ms:g}ms,ttft.p95=1s"


def _figures(row: dict[str, Any]) -> dict[str, Any]:
    stage = row["report"]["stages"][0]
    p95 = {name: ((stage[name] or {}).get("p95") or {}).get("value") for name in ("ttft", "itl")}
    return p95 | {
        name: stage[name] for name in ("requests_offered", "requests_completed", "unsteady", "invalid")
    }


if __name__ == "__main__":
    main()
