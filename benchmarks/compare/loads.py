"""What is compared: an H100 with Llama 3.1 8B, at half of what it sustains and near it."""

import json
from dataclasses import dataclass
from pathlib import Path

from benchmarks.compare.virtual import load_test
from setpoint.loadgen import report
from setpoint.loadgen.measure import Held, measure
from setpoint.loadgen.report import Report, Stage, Target, Workload
from setpoint.simulator.experiment import OpenLoop, Requests, Service
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
from setpoint.workload.objectives import parse_slo

_CONFIG = Path(__file__).parents[1] / "data" / "h100-llama8b-config.json"
_GPU, _TOKENS, _MAX_MODEL_LEN = "H100", 2048, 8192
_PROMPT, _OUTPUT = Uniform(256, 768), Uniform(32, 96)
_SLO = "itl.p95=60ms,ttft.p95=1s"


@dataclass(frozen=True, slots=True)
class Setting:
    """One engine under one load."""

    rate_per_second: float
    seconds: float
    max_num_seqs: int = 64
    step_factor: float = 1.0
    """How many times as long as usual a step of the engine takes."""


def measured(setting: Setting, seed: int) -> Report:
    """Return the report of a load test of one stage, its figures by the load test's own code."""
    shape = ModelShape.from_config(json.loads(_CONFIG.read_text()))
    card, parameters = gpu(_GPU), built_in(_GPU)
    blocks = kv_cache_blocks(shape, card, _TOKENS)
    config = EngineConfig(blocks, _MAX_MODEL_LEN, setting.max_num_seqs, _TOKENS)
    usual = StepTime(parameters, card, shape, setting.max_num_seqs)
    service = Service(
        config,
        Limits.of(config),
        lambda step: usual(step) * setting.step_factor,
        parameters,
        round_robin(),
    )
    load = OpenLoop(setting.rate_per_second, parse_arrivals("poisson"))
    records = load_test(service, load, Requests(Shape(_PROMPT, _OUTPUT)), setting.seconds, seed)
    # One label for all: runs that differ in their rate are compared, too.
    told = report.OpenLoop(rate_per_second=1.0, arrivals="poisson")
    held = Held(told, records, end=setting.seconds, taken=setting.seconds)
    return _report(measure(held, parse_slo(_SLO)), seed)


def _report(stage: Stage, seed: int) -> Report:
    return Report(
        setpoint_version="0",
        started_at="2026-01-01T00:00:00Z",
        duration_seconds=stage.warmup_seconds + stage.window_seconds,
        complete=True,
        machine="virtual time",
        target=Target(url="http://localhost", model="llama-3.1-8b", engine=None, settings={}),
        workload=Workload(
            api="completions",
            prompt_tokens=str(_PROMPT),
            output_tokens=str(_OUTPUT),
            shared_prefix=0.0,
            seed=seed,
            token_counts="usage",
        ),
        slo=_SLO,
        itl_rule="mean",
        stages=[stage],
    )
