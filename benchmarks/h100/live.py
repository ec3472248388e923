"""`setpoint tune` live on the GPU: under three promises, and through a turn from chat to long prompts.

    python -m benchmarks.h100.live FOLDER [NAME ...]      all that FOLDER has no line of, or those named

Each run begins at the default's limits, with the tuner beside it from the first request on, and ends with the
limits of the start again. The requests of its parts follow one another without a pause. The folder gets
live.jsonl (a line for each part: its figures, those of its last 40 s, where the limits were at its end, and
the latencies at the client in bins of five seconds from the run's begin), samples.jsonl (what /metrics says
is in force, once a second), tune.txt, and tune-NAME.jsonl for `setpoint replay`.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import Any

from benchmarks.h100 import limits, machine, plan, running, server
from benchmarks.h100.loads import SHAPES, Loads, loads
from benchmarks.h100.tune import bins, sampled, tuner
from benchmarks.h100.tuned import phases
from setpoint.loadgen.measure import Held, measure
from setpoint.loadgen.plan import OpenPlan, ReplayPlan, Request
from setpoint.loadgen.report import OpenLoop, Replay
from setpoint.workload.arrivals import parse_arrivals
from setpoint.workload.objectives import parse_slo

FILE, SAMPLES = "live.jsonl", "samples.jsonl"
WARM_UP_SECONDS, LAST_SECONDS = 10.0, 40.0
_MORE_SECONDS = 10.0
"""For so long the load goes on beyond the end, so that its last requests are served under it."""


@dataclass(frozen=True)
class Part:
    """A load at a rate."""

    load: str
    rate_per_second: float
    seconds: float


@dataclass(frozen=True)
class Run:
    """Parts that follow one another under one promise."""

    name: str
    promise_ms: float
    parts: tuple[Part, ...]

    @property
    def slo(self) -> str:
        """The promise, as on the command line."""
        return f"itl.p95={self.promise_ms:g}ms,ttft.p95=1s"

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return sum(part.seconds for part in self.parts)


RUNS = (
    Run("tight", 30, (Part("chat", 40, 120), Part("long", 8, 100))),
    Run("middle", 50, (Part("long", 9, 75),)),
    Run("loose", 100, (Part("chat", 44, 60),)),
)
"""Rates that the default cannot hold, but for the last: there it can, and nothing should move."""


def main() -> None:
    """Hold the runs that are missing, or chosen, and write what came of them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.h100.live")
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    running.have(plan.STARTS[0])
    done = {line["run"] for line in lines(options.folder / FILE)}
    for run in RUNS:
        if run.name in options.names if options.names else run.name not in done:
            for line in _held(run, options.folder):
                with (options.folder / FILE).open("a") as file:
                    file.write(json.dumps(line) + "\n")
                print(run.name, line["part"], line["ended_at"], _figures(line["last"]), flush=True)


def lines(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a file; none where there is no file."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def trace(parts: Sequence[Part], more_seconds: float = _MORE_SECONDS) -> Iterator[Request]:
    """Yield the parts' requests, one part after the other; those of the last go on beyond its end."""
    begin, number = 0.0, 0
    for part in parts:
        last = part is parts[-1]
        until = part.seconds + (more_seconds if last else 0.0)
        open_loop = OpenPlan(
            parse_arrivals("poisson"),
            part.rate_per_second,
            part.seconds,
            SHAPES[part.load],
            f"1/{part.rate_per_second:g}",
        )
        for each in takewhile(lambda each: each.scheduled < until, open_loop.requests()):  # noqa: B023
            yield replace(each, number=number, scheduled=begin + each.scheduled)
            number += 1
        begin += part.seconds


def told(run: Run, held: Held, samples: Sequence[dict[str, Any]], began: float) -> Iterator[dict[str, Any]]:
    """Yield the line of each part, from what the client saw and the samples of the limits in force.

    `began`: the Unix time at which the run's load began.
    """
    slo, begin, whole = parse_slo(run.slo), 0.0, bins(held)
    for part in run.parts:
        end = min(begin + part.seconds, held.end)
        load = OpenLoop(rate_per_second=part.rate_per_second, arrivals="poisson")
        window = replace(held, load=load, end=end)
        seen = phases(samples, began, end)
        yield {
            "run": run.name,
            "part": part.load,
            "promise_ms": run.promise_ms,
            "slo": run.slo,
            "rate_per_second": part.rate_per_second,
            "begin": begin,
            "end": end,
            "began": began,
            "ended_at": {"seqs": seen[-1].sequences, "tokens": seen[-1].tokens} if seen else None,
            "stage": measure(window, slo, begin + min(WARM_UP_SECONDS, part.seconds / 2)).model_dump(),
            "last": measure(window, slo, max(begin, end - LAST_SECONDS)).model_dump(),
            "bins": [each for each in whole if begin <= each["begin"] < end],
        }
        begin += part.seconds


def _held(run: Run, folder: Path) -> list[dict[str, Any]]:
    limits.put_in_force(server.URL, server.LIMITS_FILE, {})
    with loads() as ready, sampled(folder / SAMPLES):
        try:
            with tuner(folder / f"tune-{run.name}.jsonl", run.slo):
                held, gpu = _hold(ready, run)
        finally:
            limits.put_in_force(server.URL, server.LIMITS_FILE, {})
    began = time.time() - (time.monotonic() - ready.began)
    more = {
        "channel": limits.CHANNEL,
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        **machine.description(),
        **gpu,
    }
    return [line | more for line in told(run, held, lines(folder / SAMPLES), began)]


def _hold(ready: Loads, run: Run) -> tuple[Held, dict[str, str]]:
    requests = tuple(trace(run.parts))
    load = Replay(rate_per_second=len(requests) / run.seconds, trace=run.name, speed=1.0)
    held = ready.hold(load, ReplayPlan(requests), run.seconds, parse_slo(run.slo))
    return held, machine.gpu()


def _figures(stage: dict[str, Any]) -> dict[str, Any]:
    p95 = {name: (stage[name] or {}).get("p95") for name in ("ttft", "itl")}
    return p95 | {name: stage[name] for name in ("unmet", "invalid")}


if __name__ == "__main__":
    main()
