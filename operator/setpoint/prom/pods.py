"""Series of all services at one moment, sorted by the pods that they are of. Pure.

A pod is believed whole or not at all: counters of two scrapes do not add up, and a pod that is scraped twice
counts double.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from setpoint.signals.series import Series

NAMESPACE_LABEL, POD_LABEL = "namespace", "pod"
SERVICE_LABEL = "setpoint_service"
"""What the chart's scrape configuration writes on every series of an engine: its service's name."""
OWN_LABELS = frozenset(
    {"engine", "le", "limit", "model_name", "objective", "reason", "total", "up_to", "verdict", "writer"}
)
"""Labels that an engine gives, as far as they say anything to us. The others are of the scrape: job, instance
and what an administrator adds."""

Pod: TypeAlias = tuple[str, str]
"""Namespace and name."""


@dataclass(frozen=True)
class PodSamples:
    """What one pod told at its last scrape."""

    service: str
    """The service whose pod it is, by its labels."""
    at_seconds: float
    """Unix time of the scrape."""
    series: tuple[Series, ...]
    """With the labels that the engine gave, and no others."""


@dataclass(frozen=True)
class Scrape:
    """What Prometheus has of every pod at one moment."""

    at_seconds: float
    """Unix time of the moment; a pod's own is that of its last scrape before."""
    pods: Mapping[Pod, PodSamples]
    faults: Mapping[Pod, str]
    """Why a pod is not among them though there are series of it, a clause that follows its name."""
    nameless: int
    """How many series did not say whose they are, and were left out."""


@dataclass
class _Gathered:
    services: set[str] = field(default_factory=set)
    series: dict[tuple[str, frozenset[tuple[str, str]]], Series] = field(default_factory=dict)
    before: set[float] = field(default_factory=set)
    after: set[float] = field(default_factory=set)
    double: str = ""

    def add(self, labels: Mapping[str, str], series: Series) -> None:
        key = series.name, frozenset(series.labels.items())
        if key in self.series:
            self.double = (
                f"has two series of {series.name} with the labels {dict(series.labels)}, one of them of job"
                f" {labels.get('job')!r} and instance {labels.get('instance')!r}: is it scraped twice?"
            )
        self.series[key] = series
        self.services.add(labels.get(SERVICE_LABEL, ""))

    def fault(self, at_seconds: float) -> str:
        if self.double:
            return self.double
        if len(self.services) != 1 or "" in self.services:
            return f"is a pod of {sorted(self.services)} by the label {SERVICE_LABEL}, not of one service"
        if not self.before or not self.after:
            return "has series, and none that says when it was scraped"
        if len(self.before | self.after) != 1:
            return "was scraped just while it was asked about"
        if not 0 <= next(iter(self.after)) <= at_seconds:
            return f"was scraped at {next(iter(self.after))}, when asked for {at_seconds}"
        return ""


def by_pod(
    answers: Iterable[Iterable[Series]],
    *,
    scraped_before: Iterable[Series],
    scraped_after: Iterable[Series],
    at_seconds: float,
) -> Scrape:
    """Return the series of all answers, by pod. The values of `scraped_before` and `scraped_after` are the
    times of the scrapes, as they were before the first of the answers and after the last. Each iterable is
    gone through once, `scraped_after` when the answers are at their end.
    """
    gathered: dict[Pod, _Gathered] = {}
    nameless = 0
    for answer in answers:
        for name, labels, value in answer:
            if (pod := _pod(labels)) is None:
                nameless += 1
                continue
            own = {label: text for label, text in labels.items() if label in OWN_LABELS}
            gathered.setdefault(pod, _Gathered()).add(labels, Series(name, own, value))
    for moments, attribute in ((scraped_before, "before"), (scraped_after, "after")):
        for each in moments:
            if (pod := _pod(each.labels)) in gathered:
                getattr(gathered[pod], attribute).add(each.value)
    faults = {pod: fault for pod, each in gathered.items() if (fault := each.fault(at_seconds))}
    return Scrape(
        at_seconds=at_seconds,
        pods={
            pod: PodSamples(next(iter(each.services)), next(iter(each.after)), tuple(each.series.values()))
            for pod, each in gathered.items()
            if pod not in faults
        },
        faults=faults,
        nameless=nameless,
    )


def _pod(labels: Mapping[str, str]) -> Pod | None:
    namespace, name = labels.get(NAMESPACE_LABEL, ""), labels.get(POD_LABEL, "")
    return (namespace, name) if namespace and name else None
