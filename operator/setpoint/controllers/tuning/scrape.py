"""All engines at one moment, as Prometheus has them."""

import gc
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from setpoint.prom.errors import PrometheusError
from setpoint.prom.pods import NAMESPACE_LABEL, POD_LABEL, SERVICE_LABEL, Pod, Scrape
from setpoint.prom.promql import Matcher, OneOf, Selector
from setpoint.prom.scrape import OURS, Prometheus, scrape
from setpoint.signals.reading import HISTOGRAMS, Reading, ReadingError, reading

LAG_SECONDS = 2.0
"""Prometheus is asked about a moment ago: a scrape has the time of its beginning, and is there at its end."""
MOST_NAMED = 50
"""Services that a query names; of more, it asks for all, since there is no end to a query's length."""


@dataclass(frozen=True)
class Engines:
    """What one look gave."""

    readings: Mapping[Pod, Reading] = field(default_factory=dict)
    services: Mapping[Pod, str] = field(default_factory=dict)
    """Whose engines they are, by the labels of their series."""
    faults: Mapping[Pod, str] = field(default_factory=dict)
    """Why an engine of which there are series cannot be believed."""
    nameless: int = 0
    """How many series of engines do not say of which pod they are."""
    failure: str = ""
    """Why Prometheus told nothing at all."""

    def fault_of(self, pod: Pod) -> str:
        """Why there is no reading of a pod, a clause that follows its name."""
        if pod in self.faults:
            return self.faults[pod]
        if self.nameless:
            return (
                f"Prometheus has no series of it, and {self.nameless} of engines without the labels"
                f" {NAMESPACE_LABEL} and {POD_LABEL}: set both by relabel_configs (docs/prometheus.md)"
            )
        return "Prometheus has no series of it"


Look = Callable[[float, Collection[str]], Engines]
"""Reads all engines at a Unix time, and of the services with these names the histograms of latencies too.
It may block, and raises nothing.
"""


def engines_by(prometheus: Prometheus, within_seconds: float) -> Look:
    """Return the look that asks a Prometheus, for all services together."""

    def look(now: float, unjudged: Collection[str]) -> Engines:
        also = _histograms(unjudged)
        try:
            with uncollected():
                return _engines(
                    scrape(prometheus, now - LAG_SECONDS, also=also, within_seconds=within_seconds)
                )
        except PrometheusError as error:
            return Engines(failure=f"Prometheus: {error}")

    return look


def _histograms(services: Collection[str]) -> list[Selector]:
    """The series of 40 buckets an engine, twice as many as of all else, so of those alone that need them."""
    if not services:
        return []
    named: tuple[Matcher, ...] = (OneOf(SERVICE_LABEL, services),)
    return [Selector(name, named if len(services) <= MOST_NAMED else OURS) for name in HISTOGRAMS]


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
    return Engines(readings, services, faults, found.nameless)
