"""Builders of reports, with defaults, so that a test names only what it is about."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from setpoint.compare.runs import Run
from setpoint.loadgen.estimates import BATCHES, Samples, share_beyond
from setpoint.loadgen.report import (
    Capacity,
    Client,
    ClosedLoop,
    Estimate,
    Latency,
    OpenEstimate,
    OpenLoop,
    Report,
    Stage,
    Target,
    Workload,
)


def estimate(value: float, noise: float = 0.02) -> Estimate:
    """Return an estimate whose interval reaches a share of `noise` to either side."""
    return Estimate(value=value, low=value * (1 - noise), high=value * (1 + noise))


def failed_share(failed: int, offered: int) -> Estimate | None:
    """Return the share of independent requests that failed."""
    samples = Samples()
    for number in range(offered):
        samples.add(float(number < failed), number, number * 7 % BATCHES)
    return share_beyond(samples, 0.0)


def latency(p95_seconds: float, noise: float = 0.02, count: int = 1000, *, open_p99: bool = False) -> Latency:
    """Return a latency by its p95; the other percentiles lie around it."""
    p99 = estimate(p95_seconds * 1.5, noise)
    return Latency(
        count=count,
        mean=p95_seconds * 0.6,
        p50=estimate(p95_seconds * 0.5, noise),
        p90=estimate(p95_seconds * 0.9, noise),
        p95=estimate(p95_seconds, noise),
        p99=OpenEstimate(value=p99.value, low=p99.low, high=None) if open_p99 else p99,
    )


def stage(
    *,
    clients: int | None = None,
    rate: float | None = None,
    tokens: float = 1000.0,
    ttft: float = 0.4,
    itl: float = 0.03,
    noise: float = 0.02,
    errors: Mapping[str, int] | None = None,
    offered: int = 600,
    **fields: Any,
) -> Stage:
    """Return a stage of 10 clients, or as told: output `tokens` a second, p95 of TTFT and ITL in seconds."""
    load = OpenLoop(rate_per_second=rate, arrivals="poisson") if rate else ClosedLoop(clients=clients or 10)
    return Stage(
        **{
            "load": load,
            "window_seconds": 60.0,
            "warmup_seconds": 10.0,
            "requests_offered": offered,
            "requests_completed": 600,
            "errors": dict(errors or {}),
            "failed_share": failed_share(sum((errors or {}).values()), offered),
            "good": 590,
            "goodput_per_second": estimate(tokens / 129, noise),
            "requests_per_second": estimate(tokens / 128, noise),
            "input_tokens_per_second": tokens * 4,
            "output_tokens_per_second": estimate(tokens, noise),
            "ttft": latency(ttft, noise),
            "itl": latency(itl, noise),
            "tpot": latency(itl * 0.9, noise),
            "e2e": latency(ttft + 127 * itl, noise),
            "tokens_per_chunk": 1.0,
            "client": Client(send_lag_p99_seconds=0.001, cpu_share=0.2),
            "slo_met": True,
            "stationary": True,
            "unsteady": [],
            "invalid": [],
            **fields,
        }
    )


def report(
    *stages: Stage,
    model: str = "llama-8b",
    settings: Mapping[str, str] | None = None,
    sustainable_rate: Estimate | None = None,
    workload: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Report:
    """Return a complete report with an SLO, of one stage unless told otherwise."""
    return Report(
        **{
            "setpoint_version": "0.1.0",
            "started_at": "2026-11-24T12:00:00Z",
            "duration_seconds": 300.0,
            "complete": True,
            "machine": "2 cores of a test",
            "target": Target(
                url="http://localhost:8000", model=model, engine="0.32.0", settings=dict(settings or {})
            ),
            "workload": Workload(
                **{
                    "api": "completions",
                    "prompt_tokens": "uniform:256:768",
                    "output_tokens": "uniform:64:192",
                    "shared_prefix": 0.0,
                    "seed": 1,
                    "token_counts": "tokenizer",
                    **(workload or {}),
                }
            ),
            "slo": "itl.p95=60ms,ttft.p95=1s",
            "itl_rule": "mean",
            "stages": list(stages or [stage()]),
            "capacity": sustainable_rate
            and Capacity(rate_per_second=sustainable_rate, verdicts=["holds"], told="it holds", stages=[0]),
            **fields,
        }
    )


def runs(*reports: Report) -> list[Run]:
    """Return the reports as runs A, B, ..."""
    return [
        Run(chr(ord("A") + number), f"{chr(ord('a') + number)}.json", each)
        for number, each in enumerate(reports)
    ]


def written(folder: Path, *reports: Report) -> list[str]:
    """Write the reports to files of a folder, and return their paths."""
    paths = [folder / f"{chr(ord('a') + number)}.json" for number in range(len(reports))]
    for path, each in zip(paths, reports, strict=True):
        path.write_text(each.model_dump_json())
    return list(map(str, paths))


def a_ladder(faster: float = 1.0, **fields: Any) -> Report:
    """Return a report of 1 to 500 clients that keeps its SLO up to 100, and is not stationary at 500."""
    steps = ((1, 90, 0.05, 0.011), (10, 800, 0.08, 0.012), (100, 5200, 0.4, 0.03), (256, 6400, 1.7, 0.09))
    stages = [
        stage(
            clients=clients, tokens=tokens * faster, ttft=ttft / faster, itl=itl / faster, slo_met=itl < 0.06
        )
        for clients, tokens, ttft, itl in steps
    ]
    overload = stage(
        clients=500,
        tokens=6450,
        ttft=7,
        itl=0.09,
        slo_met=False,
        stationary=False,
        unsteady=["the queue grows"],
    )
    return report(*stages, overload, **fields)
