"""All engines at one moment, as Prometheus has them."""

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from setpoint.prom.errors import PrometheusError
from setpoint.prom.pods import Pod, Scrape
from setpoint.prom.scrape import Prometheus, scrape
from setpoint.signals.reading import Reading, ReadingError, reading

LAG_SECONDS = 2.0
"""Prometheus is asked about a moment ago: a scrape has the time of its beginning, and is there at its end."""


@dataclass(frozen=True)
class Engines:
    """What one look gave."""

    readings: Mapping[Pod, Reading] = field(default_factory=dict)
    services: Mapping[Pod, str] = field(default_factory=dict)
    """Whose engines they are, by the labels of their series."""
    faults: Mapping[Pod, str] = field(default_factory=dict)
    """Why an engine of which there are series cannot be believed."""
    failure: str = ""
    """Why Prometheus told nothing at all."""


Look = Callable[[float], Engines]
"""Reads all engines at a Unix time. It may block, and raises nothing."""


def engines_by(prometheus: Prometheus, within_seconds: float) -> Look:
    """Return the look that asks a Prometheus, for all services together."""

    def look(now: float) -> Engines:
        try:
            with uncollected():
                return _engines(scrape(prometheus, now - LAG_SECONDS, within_seconds=within_seconds))
        except PrometheusError as error:
            return Engines(failure=f"Prometheus: {error}")

    return look


@contextmanager
def uncollected() -> Iterator[None]:
    """Let the collector of reference cycles rest: of the 300,000 objects that are made of 1,000 services none
    is in a cycle, and to walk them again and again took longer than to make them.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _engines(found: Scrape) -> Engines:
    readings, faults = {}, dict(found.faults)
    for pod, samples in found.pods.items():
        try:
            readings[pod] = reading(samples.series, samples.at_seconds)
        except ReadingError as error:
            faults[pod] = str(error)
    services = {pod: samples.service for pod, samples in found.pods.items()}
    return Engines(readings, services, faults)
