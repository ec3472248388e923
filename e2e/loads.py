"""A load on a service from inside the cluster, by `setpoint loadtest` in a pod of the operator's image.

The simulated engine is an 8B model on an H100, several times slower than that, so that two cores can follow:
rates, and latencies promised, are scaled with it.
"""

import json
from dataclasses import dataclass
from typing import Any

from e2e import images, pods
from e2e.installation import Kubectl

TIME_SCALE = 6
"""So many seconds take what takes one on the GPU."""
ENVIRONMENT = {"PYTHONPATH": "", "SETPOINT_SIMULATOR_TIME_SCALE": str(TIME_SCALE)}
"""Of the simulated engine."""


@dataclass(frozen=True)
class Promise:
    """95 % of the gaps between tokens, and of the first tokens, come within these times."""

    itl_seconds: float
    ttft_seconds: float

    @property
    def objectives(self) -> list[dict[str, str]]:
        """As they stand in `spec.slo`."""
        itl, ttft = self._milliseconds
        return [
            {"name": "between-tokens", "metric": "InterTokenLatency", "threshold": itl},
            {"name": "first-token", "metric": "TimeToFirstToken", "threshold": ttft},
        ]

    @property
    def slo(self) -> str:
        """As a load test takes it."""
        itl, ttft = self._milliseconds
        return f"itl.p95={itl},ttft.p95={ttft}"

    @property
    def _milliseconds(self) -> tuple[str, str]:
        return f"{1000 * self.itl_seconds:.0f}ms", f"{1000 * self.ttft_seconds:.0f}ms"


TIGHT = Promise(itl_seconds=0.03 * TIME_SCALE, ttft_seconds=1.0 * TIME_SCALE)
"""Broken by the default token budget at BUSY_RATE."""
BUSY_RATE = 39 / TIME_SCALE
"""Requests a second: docs/h100.md has what a real GPU makes of the unscaled one."""


def promising(image: images.Image, promise: Promise, **spec: Any) -> dict[str, Any]:
    """The spec of a service of one simulated H100 with that promise; `spec` replaces whole fields."""
    env = [{"name": name, "value": value} for name, value in ENVIRONMENT.items()]
    return {
        "model": {"uri": images.SHAPE_URI, "name": "llama-8b"},
        "engine": {"image": image.reference, "drainTimeout": "10s", "args": ["--max-model-len=8192"]},
        "slo": {"objectives": promise.objectives, "window": "1m"},
        "template": {"spec": {"containers": [{"name": "main", "env": env}]}},
        **spec,
    }


def at_rates(*rates_per_second: float, stage_seconds: int, promise: Promise) -> tuple[str, ...]:
    """The arguments of a load test on the simulated engine: a stage for each rate."""
    return (
        f"--rate={','.join(f'{rate:g}' for rate in rates_per_second)}",
        f"--duration={stage_seconds}s",
        "--warmup=5s",
        f"--slo={promise.slo}",
    )


@dataclass(frozen=True)
class LoadTest:
    """One run of `setpoint loadtest` as a Job."""

    kubectl: Kubectl
    namespace: str
    name: str
    image: images.Image
    """The operator's."""
    url: str
    arguments: tuple[str, ...]
    """What load it is."""
    model: str = "llama-8b"

    def start(self) -> None:
        """Start it; one of that name that has been there is replaced."""
        self._run("delete", "job", self.name, "--ignore-not-found", "--wait")
        self._run("create", "-f", "-", given=json.dumps(self._job()))

    def has_ended(self) -> bool:
        """Whether its report is there. Raises RuntimeError with its last words when it failed."""
        status = json.loads(self._run("get", "job", self.name, "-o", "json")).get("status", {})
        if status.get("failed"):
            raise RuntimeError(self._run("logs", f"job/{self.name}", "--tail=20"))
        return bool(status.get("succeeded"))

    def report(self) -> dict[str, Any]:
        """What it measured: docs/loadtest.md."""
        text = self._run("logs", f"job/{self.name}")
        report: dict[str, Any] = json.loads(text[text.index("{") :])
        return report

    def stop(self) -> None:
        """End it, wherever it is."""
        self._run("delete", "job", self.name, "--ignore-not-found", "--wait=false")

    def _run(self, *arguments: str, given: str | None = None) -> str:
        return self.kubectl.run("--namespace", self.namespace, *arguments, given=given)

    def _job(self) -> dict[str, Any]:
        command = [
            "setpoint", "loadtest", f"--url={self.url.removesuffix('/v1')}", f"--model={self.model}",
            "--api=completions", *self.arguments, "--json",
        ]  # fmt: skip
        pod = pods.restricted_spec(self.image.reference, command)
        return {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": self.name},
            "spec": {"backoffLimit": 0, "template": {"spec": pod}},
        }
