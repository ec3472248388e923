"""What /metrics answers, and the ways in which it may fail to."""

import time
from collections.abc import Callable, Iterator

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    Metric,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.registry import Collector

from setpoint.simulator.http.series import Registry


class Scrape:
    """Renders the engine's series, and those of this process."""

    def __init__(self, series: Registry, refresh: Callable[[], None]) -> None:
        self._registry = CollectorRegistry()
        GCCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._process = _Process()
        self._registry.register(self._process)
        self._registry.register(series)
        self._refresh = refresh
        self._frozen: bytes | None = None
        self.refused = False
        """Whether there is no answer at all."""

    def body(self) -> bytes | None:
        """The text, or None when it is refused."""
        if self.refused:
            return None
        return self._frozen or self._render()

    def freeze(self, frozen: bool) -> None:
        """From now on answer what would be answered now; or no longer."""
        self._frozen = (self._frozen or self._render()) if frozen else None

    def restarted(self) -> None:
        """Let the process have been started just now."""
        self._process.started = time.time()

    def _render(self) -> bytes:
        self._refresh()
        return generate_latest(self._registry)


class _Process(Collector):
    """prometheus_client's series of this process, with a start time that may be another."""

    def __init__(self) -> None:
        self._collector = ProcessCollector(registry=None)
        self.started: float | None = None

    def collect(self) -> Iterator[Metric]:
        for metric in self._collector.collect():
            if metric.name == "process_start_time_seconds" and self.started:
                metric.samples = [sample._replace(value=self.started) for sample in metric.samples]
            yield metric
