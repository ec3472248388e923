"""How long a simulated hour of a busy H100 takes: `python -m benchmarks.simulator.speed`.

One core, prefix cache, API server and network included, from source and compiled; the best of two runs, for
other work on the machine only makes one slower. Figures go to results/speed.json with machine and date.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.simulator.compiled import build
from benchmarks.simulator.fitting import CONFIG, GPU, RESULTS
from benchmarks.simulator.machine import description
from setpoint.simulator import scheduler
from setpoint.simulator.experiment import ClosedLoop, OpenLoop, Requests, Service, run
from setpoint.simulator.gpus import gpu
from setpoint.simulator.limits import EngineConfig, Limits
from setpoint.simulator.memory import kv_cache_blocks
from setpoint.simulator.model import ModelShape
from setpoint.simulator.parameters import built_in
from setpoint.simulator.router import round_robin
from setpoint.simulator.steptime import StepTime
from setpoint.workload.arrivals import parse_arrivals
from setpoint.workload.draws import Shape
from setpoint.workload.lengths import Uniform

SIMULATED_SECONDS = 3600.0
RUNS = 2
LOADS: dict[str, ClosedLoop | OpenLoop] = {
    "closed loop, 256 clients": ClosedLoop(256),
    "open loop, 46 a second": OpenLoop(46.0, parse_arrivals("poisson")),
}
TOKENS = (512, 2048, 8192)
MEASURE = "--measure"
"""Print the figures of the package at hand, and write nothing."""


def main() -> None:
    """Measure the sources, then the same compiled, each in a process of its own."""
    rows = measured({})
    with TemporaryDirectory() as folder:
        rows += measured({"PYTHONPATH": str(build(Path(folder)))})
    told = {"machine": description(), "rows": rows}
    (RESULTS / "speed.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def measured(environment: dict[str, str]) -> list[dict[str, Any]]:
    """Return the rows of a process in this environment."""
    command = [sys.executable, "-m", "benchmarks.simulator.speed", MEASURE]
    found = subprocess.run(
        command, env=os.environ | environment, stdout=subprocess.PIPE, text=True, check=True
    )
    print(found.stdout, end="", flush=True)
    return [json.loads(line) for line in found.stdout.splitlines()]


def measure() -> None:
    """Print each load at each token budget, a row a line."""
    shape = ModelShape.from_config(json.loads(Path(CONFIG).read_text(encoding="utf-8")))
    compiled = not scheduler.__file__.endswith(".py")
    for name, load in LOADS.items():
        for tokens in TOKENS:
            for shared_prefix in (0.0, 0.5):
                requests = Requests(Shape(Uniform(256, 768), Uniform(64, 192)), shared_prefix)
                seconds = min(once(shape, load, tokens, requests) for _ in range(RUNS))
                row = {
                    "compiled": compiled,
                    "load": name,
                    "max_num_batched_tokens": tokens,
                    "shared_prefix": shared_prefix,
                    "seconds_per_simulated_hour": round(seconds, 2),
                }
                print(json.dumps(row), flush=True)


def once(shape: ModelShape, load: ClosedLoop | OpenLoop, tokens: int, requests: Requests) -> float:
    """Return the processor seconds that one simulated hour takes."""
    card, parameters = gpu(GPU), built_in(GPU)
    config = EngineConfig(kv_cache_blocks(shape, card, tokens), shape.context_tokens, 256, tokens)
    step_seconds = StepTime(parameters, card, shape, config.max_num_seqs)
    service = Service(config, Limits.of(config), step_seconds, parameters, round_robin())
    began = time.process_time()
    play = run(service, load, requests, SIMULATED_SECONDS, seed=1)
    play.record.figures(SIMULATED_SECONDS / 4, SIMULATED_SECONDS)
    return time.process_time() - began


if __name__ == "__main__":
    if MEASURE in sys.argv:
        measure()
    else:
        main()
