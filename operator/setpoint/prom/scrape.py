"""One cycle: what Prometheus has of the pods of all services, at one moment, by a fixed number of queries."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from setpoint.prom.errors import PrometheusError
from setpoint.prom.pods import SERVICE_LABEL, Scrape, by_pod
from setpoint.prom.promql import Matcher, NotEqual, Query, Selector, TimestampQuery
from setpoint.signals.reading import NAMES
from setpoint.signals.series import Series

MAX_QUERIES = 20
"""However many services there are."""
OURS: tuple[Matcher, ...] = (NotEqual(SERVICE_LABEL, ""),)
"""The series of Setpoint's engines, and of no other vLLM."""
_SCRAPED = "vllm:num_requests_running"
"""Every rank has it from its start; it tells when its pod was scraped."""


class Prometheus(Protocol):
    """What answers a query."""

    def vector(self, query: Query, at_seconds: float) -> tuple[Series, ...]:
        """Return the series at that Unix time. Raises PrometheusError when there is no answer to believe."""


def scrape(
    prometheus: Prometheus,
    at_seconds: float,
    *,
    names: Sequence[str] = NAMES,
    matchers: tuple[Matcher, ...] = OURS,
    also: Sequence[Selector] = (),
    within_seconds: float = 30,
    clock: Callable[[], float] = time.monotonic,
) -> Scrape:
    """Return what every pod told of the metrics with these sample names, as of one Unix time; and the series
    of `also`, which some pods may have been left out of.

    Raises PrometheusError when a query has no answer to believe, or when all took longer than
    `within_seconds`: half of the metrics are worth nothing. Raises ValueError for too many names.
    """
    selectors = [*(Selector(name, matchers) for name in names), *also]
    if len(selectors) + 2 > MAX_QUERIES:
        raise ValueError(f"{len(selectors)} metrics and twice their time are more than {MAX_QUERIES} queries")
    end_seconds = clock() + within_seconds

    def ask(query: Query) -> tuple[Series, ...]:
        if clock() > end_seconds:
            metric = query.selector.metric
            raise PrometheusError(f"{metric} was not asked for: {within_seconds:g} s went by with the others")
        return prometheus.vector(query, at_seconds)

    scraped = TimestampQuery(Selector(_SCRAPED, matchers))

    def ask_late() -> Iterator[Series]:
        yield from ask(scraped)

    # One after the other, each forgotten when it is sorted: the labels of all answers take much memory.
    return by_pod(
        (ask(Query(selector)) for selector in selectors),
        scraped_before=ask(scraped),
        scraped_after=ask_late(),
        at_seconds=at_seconds,
    )
