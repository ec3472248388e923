"""How long a simulated hour of a busy H100 takes: `python -m benchmarks.simulator.speed`.

One core, prefix cache, API server and network included, from source and compiled; the best of two runs, for
other work on the machine only makes one slower. Figures go to results/speed.json with machine and date.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
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
from setpoint.simulator.router import ROUTERS
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
REPLICAS = 4
PREEMPTING_BLOCKS = 8000
"""KV blocks with which 256 clients are preempted now and then."""
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
    for scenario in scenarios():
        seconds = min(once(shape, scenario) for _ in range(RUNS))
        row = {
            "compiled": compiled,
            "load": scenario.name,
            "max_num_batched_tokens": scenario.tokens,
            "shared_prefix": scenario.shared_prefix,
            "seconds_per_simulated_hour": round(seconds, 2),
        }
        print(json.dumps(row), flush=True)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A load on engines of 256 sequences."""

    name: str
    load: ClosedLoop | OpenLoop
    tokens: int
    shared_prefix: float
    replicas: int = 1
    router: str = "round-robin"
    kv_blocks: int | None = None
    """None: as many as fit into the GPU."""


def scenarios() -> Iterator[Scenario]:
    """Yield what is measured."""
    for name, load in LOADS.items():
        for tokens in TOKENS:
            for shared_prefix in (0.0, 0.5):
                yield Scenario(name, load, tokens, shared_prefix)
    preempted = f"closed loop, 256 clients, {PREEMPTING_BLOCKS} KV blocks"
    yield Scenario(preempted, ClosedLoop(256), 2048, 0.0, kv_blocks=PREEMPTING_BLOCKS)
    behind = f"open loop, 46 a second to each of {REPLICAS} replicas, prefix-aware"
    load = OpenLoop(46.0 * REPLICAS, parse_arrivals("poisson"))
    yield Scenario(behind, load, 2048, 0.5, REPLICAS, "prefix-aware")


def once(shape: ModelShape, scenario: Scenario) -> float:
    """Return the processor seconds that one simulated hour of one replica takes."""
    card, parameters = gpu(GPU), built_in(GPU)
    blocks = scenario.kv_blocks or kv_cache_blocks(shape, card, scenario.tokens)
    config = EngineConfig(blocks, shape.context_tokens, 256, scenario.tokens)
    step_seconds = StepTime(parameters, card, shape, config.max_num_seqs)
    router = ROUTERS[scenario.router]()
    service = Service(config, Limits.of(config), step_seconds, parameters, router, scenario.replicas)
    requests = Requests(Shape(Uniform(256, 768), Uniform(64, 192)), scenario.shared_prefix)
    began = time.process_time()
    play = run(service, scenario.load, requests, SIMULATED_SECONDS, seed=1)
    play.record.figures(SIMULATED_SECONDS / 4, SIMULATED_SECONDS)
    return (time.process_time() - began) / scenario.replicas


if __name__ == "__main__":
    if MEASURE in sys.argv:
        measure()
    else:
        main()
