"""Counters, gauges and histograms that take many equal observations at once.

A step of the engine gives hundreds of requests a token at the same moment. `prometheus_client` observes one
value at a time and takes a lock for each, so it only renders here: this registry is one of its collectors.
"""

import math
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar, cast

from prometheus_client import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class Counter:
    """Only grows."""

    kind = "counter"

    def __init__(self, registry: "Registry") -> None:
        self._registry = registry
        self._value = 0.0
        self._created = time.time()

    def add(self, amount: float = 1.0) -> None:
        """Count `amount` more."""
        self._value += amount * self._registry.copies

    def reset(self) -> None:
        """Begin anew."""
        self._value, self._created = 0.0, time.time()

    def samples(self) -> Iterator[tuple[str, dict[str, str], float]]:
        """Name's suffix, further labels and value of each sample."""
        yield "_total", {}, self._value
        yield "_created", {}, self._created


class Gauge:
    """Goes up and down."""

    kind = "gauge"

    def __init__(self) -> None:
        self.value = 0.0

    def reset(self) -> None:
        """A gauge is no count: it stays."""

    def samples(self) -> Iterator[tuple[str, dict[str, str], float]]:
        """The one sample, as Counter.samples."""
        yield "", {}, self.value


class Summary:
    """How many observations there were, and their sum."""

    kind = "summary"

    def __init__(self, registry: "Registry") -> None:
        self._registry = registry
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self._count, self._sum, self._created = 0, 0.0, time.time()

    def observe(self, value: float, count: int = 1) -> None:
        """Take `value`, `count` times."""
        self._count += count * self._registry.copies
        self._sum += value * count * self._registry.copies

    def samples(self) -> Iterator[tuple[str, dict[str, str], float]]:
        """The samples, as Counter.samples."""
        yield "_count", {}, float(self._count)
        yield "_sum", {}, self._sum
        yield "_created", {}, self._created


class Histogram(Summary):
    """A summary, and how many observations lay at or below each edge."""

    kind = "histogram"

    def __init__(self, registry: "Registry", edges: Sequence[float]) -> None:
        self._edges = [*map(float, edges), math.inf]
        self._labels = [str(floatToGoString(edge)) for edge in self._edges]  # type: ignore[no-untyped-call]
        super().__init__(registry)

    def reset(self) -> None:
        """Begin anew."""
        super().reset()
        self._in_bucket = [0] * len(self._edges)

    def observe(self, value: float, count: int = 1) -> None:
        """Take `value`, `count` times."""
        super().observe(value, count)
        self._in_bucket[bisect_left(self._edges, value)] += count * self._registry.copies

    def samples(self) -> Iterator[tuple[str, dict[str, str], float]]:
        """The samples, as Counter.samples."""
        below = 0
        for label, count in zip(self._labels, self._in_bucket, strict=True):
            below += count
            yield "_bucket", {"le": label}, float(below)
        yield from super().samples()


_Child = Counter | Gauge | Summary
_SomeChild = TypeVar("_SomeChild", Counter, Gauge, Summary, Histogram)


class Registry(Collector):
    """All series by name and labels, in the order in which they were first asked for."""

    def __init__(self) -> None:
        self.copies = 1
        """How often each event is counted; 2 while a second API server counts the same."""
        self._families: dict[str, tuple[str, dict[tuple[tuple[str, str], ...], _Child]]] = {}

    def counter(self, name: str, text: str, **labels: str) -> Counter:
        """The counter of that name (without _total) and these labels."""
        return self._child(name, text, labels, lambda: Counter(self))

    def gauge(self, name: str, text: str, **labels: str) -> Gauge:
        """The gauge of that name and these labels."""
        return self._child(name, text, labels, Gauge)

    def summary(self, name: str, text: str, **labels: str) -> Summary:
        """The summary of that name and these labels."""
        return self._child(name, text, labels, lambda: Summary(self))

    def histogram(self, name: str, text: str, edges: Sequence[float], **labels: str) -> Histogram:
        """The histogram of that name and these labels."""
        return self._child(name, text, labels, lambda: Histogram(self, edges))

    def reset(self) -> None:
        """Every counter, summary and histogram is 0 again."""
        for _, children in self._families.values():
            for child in children.values():
                child.reset()

    def collect(self) -> Iterator[Metric]:
        """The families as prometheus_client renders them."""
        for name, (text, children) in self._families.items():
            metric = None
            for labels, child in children.items():
                metric = metric or Metric(name, text, child.kind)
                for suffix, further, value in child.samples():
                    metric.add_sample(name + suffix, dict(labels) | further, value)
            if metric:
                yield metric

    def _child(
        self, name: str, text: str, labels: dict[str, str], make: Callable[[], _SomeChild]
    ) -> _SomeChild:
        _, children = self._families.setdefault(name, (text, {}))
        key = tuple(labels.items())
        if key not in children:
            children[key] = make()
        return cast("_SomeChild", children[key])
