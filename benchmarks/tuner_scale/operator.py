"""The measured process: `KUBECONFIG=FILE python -m benchmarks.tuner_scale.operator PROMETHEUS_URL`.

It is the operator's manager, controller and tuner, wired as `setpoint.runtime` does, and prints a line of
JSON for each cycle of the tuner: what it and the time since the one before cost.
"""

import asyncio
import json
import logging
import sys
import time
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from setpoint.controllers.tuning.controller import TuningController
from setpoint.controllers.tuning.scrape import Engines, Look, engines_by
from setpoint.kube.client import KubeClient, Request
from setpoint.kube.election import Elector
from setpoint.kube.informer import Informer
from setpoint.kube.objects import Object
from setpoint.kube.permissions import LEASE_NAME
from setpoint.kube.resources import Resource
from setpoint.manager import fence
from setpoint.prom.client import Prometheus
from setpoint.prom.settings import PrometheusSettings
from setpoint.runtime import manager_for
from setpoint.settings import Settings

NAMESPACE = "default"


class Meter:
    """What has been done since the last line."""

    def __init__(self) -> None:
        self.writes: Counter[str] = Counter()
        self.look_seconds = 0.0
        self.look_cpu_seconds = 0.0
        self.unread = 0
        self._cpu_seconds = time.process_time()
        self._at = time.monotonic()

    def line(self, began: float, looked_at: float) -> None:
        """Print the line of a cycle that has ended."""
        now, cpu_seconds = time.monotonic(), time.process_time()
        observe_seconds = looked_at - began - self.look_seconds
        figures = {
            "at_seconds": time.time(),
            "since_seconds": now - self._at,
            "cpu_seconds": cpu_seconds - self._cpu_seconds,
            "cycle_seconds": now - began,
            "observe_seconds": observe_seconds,
            "scrape_seconds": self.look_seconds,
            "scrape_cpu_seconds": self.look_cpu_seconds,
            "decide_and_write_seconds": now - looked_at,
            "unread": self.unread,
            "writes": dict(self.writes),
            "rss_mb": _rss_mb(),
        }
        sys.stdout.write(json.dumps(figures) + "\n")
        sys.stdout.flush()
        self._cpu_seconds, self._at = cpu_seconds, now
        self.writes.clear()


class CountingClient(KubeClient):
    """Counts what is applied, by who did it; every other write as well."""

    def __init__(self, *arguments: Any, meter: Meter, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._meter = meter

    async def apply(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        manifest: Object,
        *,
        field_manager: str,
        subresource: str | None = None,
    ) -> Object:
        """Count, and apply."""
        kind = f"{resource.plural}/{subresource}" if subresource else resource.plural
        self._meter.writes[f"{kind} by {field_manager}"] += 1
        return await super().apply(
            resource, namespace, name, manifest, field_manager=field_manager, subresource=subresource
        )


class MeasuredTuning(TuningController):
    """The tuner, with a line for each of its cycles."""

    meter: Meter
    looked_at = 0.0

    async def cycle(self) -> None:
        """Do one cycle, and print what it cost."""
        began = time.monotonic()
        self.looked_at = began
        await super().cycle()
        self.meter.line(began, self.looked_at)


def measured_look(look: Look, meter: Meter, tuner: list[MeasuredTuning]) -> Look:
    """Return the same look, measured."""

    def measured(now: float, unjudged: Collection[str]) -> Engines:
        began, cpu_seconds = time.monotonic(), time.thread_time()
        engines = look(now, unjudged)
        ended = time.monotonic()
        meter.look_seconds = ended - began
        meter.look_cpu_seconds = time.thread_time() - cpu_seconds
        meter.unread = len(engines.faults)
        if engines.failure:
            logging.warning("nothing was read: %s", engines.failure)
        for each in tuner:
            each.looked_at = ended
        return engines

    return measured


async def main() -> None:
    """Run until killed."""
    logging.basicConfig(level=logging.WARNING)
    meter = Meter()
    settings = Settings(prometheus=PrometheusSettings(url=sys.argv[1]))

    def on_request(request: Request) -> None:
        fence(lambda: elector)(request)
        if request.is_write and request.verb != "apply":
            meter.writes[f"{request.verb} {request.resource.plural}"] += 1

    client = CountingClient.from_environment(meter=meter, on_request=on_request)
    elector = Elector(client, namespace=NAMESPACE, name=LEASE_NAME, identity=f"benchmark-{time.time()}")

    def loop(client: KubeClient, informers: Mapping[Resource, Informer]) -> TuningController:
        assert settings.prometheus is not None
        interval_seconds = settings.tuning.interval_seconds
        tuners: list[MeasuredTuning] = []
        look = engines_by(Prometheus(settings.prometheus), within_seconds=2 * interval_seconds)
        tuner = MeasuredTuning(
            client,
            informers,
            measured_look(look, meter, tuners),
            clock=time.time,
            interval_seconds=interval_seconds,
        )
        tuner.meter = meter
        tuners.append(tuner)
        return tuner

    await manager_for(client, elector, settings, loop).run()


def _rss_mb() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS:"))


if __name__ == "__main__":
    asyncio.run(main())
