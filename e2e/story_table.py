"""How the story came out: what clients measured of each stage, and what Prometheus saw over time."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from e2e.installation import Kubectl, prometheus_url
from e2e.plot import COLUMNS, Moment, plot
from e2e.prometheus import api

LEAST_STEP_SECONDS = 5.0
"""Between two columns of the plot."""


@dataclass(frozen=True)
class Part:
    """One load test: stages of one load under one mode of the tuner."""

    name: str
    """Of its Job."""
    mode: str
    load: str
    """What it sends, for a reader."""
    rate_per_second: float
    stage_seconds: int
    stages: int = 1
    arguments: tuple[str, ...] = ()
    """Of the load test, beside rates and times."""


Reports = Sequence[tuple[Part, dict[str, Any]]]
"""Each part with the report of its load test: docs/loadtest.md."""


@dataclass(frozen=True)
class Watched:
    """What Prometheus saw from the first request on."""

    began: float
    """Unix seconds of it."""
    itl_p95: Sequence[tuple[float, float]]
    """Unix seconds and seconds; so is the next, with tokens."""
    budgets: Sequence[tuple[float, float]]
    parts: Sequence[tuple[float, Part]]
    """Which begins when, from the first request on."""

    def budget(self, at: float) -> str:
        """The token budget in force at a Unix time."""
        before = bisect_right([seconds for seconds, _ in self.budgets], at)
        return f"{self.budgets[before - 1][1]:.0f}" if before else "-"

    def plot(self, promised_seconds: float) -> str:
        """The p95 between tokens over time."""
        seen = dict(self.itl_p95)  # of the same moments as budgets, where there was an answer
        moments = [Moment(at - self.began, seen.get(at)) for at, _ in self.budgets]
        below = (
            ("tokens", [(at - self.began, f"{budget:.0f}") for at, budget in self.budgets]),
            ("load", [(at, f"{part.load} {part.rate_per_second:g}/s") for at, part in self.parts]),
            ("mode", [(at, part.mode) for at, part in self.parts]),
        )
        head = "ITL p95 over time, by vLLM's own histogram: exact at the promise, interpolated elsewhere"
        return f"{head}\n{plot(moments, promised_seconds, below)}"


def plotted(kubectl: Kubectl, namespace: str, service: str, reports: Reports) -> Watched:
    """Ask Prometheus for what it saw of the service while it was under load."""
    of = f'{{namespace="{namespace}",setpoint_service="{service}"}}'
    limits = f'{{namespace="{namespace}",setpoint_service="{service}",limit="tokens"}}'
    began = began_seconds(reports[0][1])
    end = ends_seconds(*reports[-1])[-1]
    step = max(LEAST_STEP_SECONDS, (end - began) / (COLUMNS - 1))
    with prometheus_url(kubectl) as url:
        gaps = f"sum by (le) (rate(vllm:inter_token_latency_seconds_bucket{of}[10s]))"
        itl_p95 = api.query_range(url, f"histogram_quantile(0.95, {gaps})", began, end, step)
        budgets = api.query_range(url, f"min(setpoint_engine_limit{limits})", began, end, step)
    parts = [(began_seconds(report) - began, part) for part, report in reports]
    return Watched(began, itl_p95, budgets, parts)


def began_seconds(report: dict[str, Any]) -> float:
    """Unix time at which a load test began."""
    return datetime.fromisoformat(report["started_at"]).timestamp()


def ends_seconds(part: Part, report: dict[str, Any]) -> list[float]:
    """Unix times at which its stages ended, each with its last answers: about as long as each other."""
    stage_seconds = report["duration_seconds"] / part.stages
    return [began_seconds(report) + (number + 1) * stage_seconds for number in range(part.stages)]


def table(reports: Reports, watched: Watched) -> str:
    """What the clients saw, stage by stage."""
    lines = [
        f"  {'mode':9} {'load':12} {'requests/s':>10} {'ITL p95':>8} {'TTFT p95':>9} {'good':>7} {'shed':>5}"
        f" {'tokens a step':>14}"
    ]
    for part, report in reports:
        ends = ends_seconds(part, report)
        for stage, end in zip(report["stages"], ends, strict=True):
            offered = stage["requests_offered"]
            lines.append(
                f"  {part.mode:9} {part.load:12} {part.rate_per_second:>10g}"
                f" {_milliseconds(stage['itl']):>8} {_milliseconds(stage['ttft']):>9}"
                f" {stage['good'] / offered if offered else 0:>7.1%} {stage['errors'].get('http_503', 0):>5}"
                f" {watched.budget(end):>14}"
            )
    return "\n".join(lines)


def _milliseconds(latency: dict[str, Any] | None) -> str:
    return f"{1000 * latency['p95']['value']:.0f} ms" if latency else "-"
