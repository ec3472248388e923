"""The look at all engines: what it does to the process that it runs in."""

import gc
from collections.abc import Collection

import pytest

from setpoint.controllers.tuning.scrape import MOST_NAMED, engines_by
from setpoint.prom.errors import PrometheusError
from setpoint.prom.promql import Query
from setpoint.prom.scrape import MAX_QUERIES
from setpoint.signals.reading import NAMES
from setpoint.signals.series import Series


class Collected:
    """A Prometheus that remembers what it was asked, and whether the collector of cycles ran meanwhile."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.was_enabled: set[bool] = set()
        self.asked: list[str] = []
        self._failure = failure

    def vector(self, query: Query, at_seconds: float) -> tuple[Series, ...]:
        """Answer with nothing, or fail."""
        del at_seconds
        self.asked.append(str(query))
        self.was_enabled.add(gc.isenabled())
        if self._failure is not None:
            raise self._failure
        return ()


def test_the_collector_rests_during_a_look_and_runs_after_it() -> None:
    prometheus = Collected()
    engines_by(prometheus, 30)(1e9, ())
    assert (prometheus.was_enabled, gc.isenabled()) == ({False}, True)


def test_the_collector_runs_after_a_look_that_failed() -> None:
    engines = engines_by(Collected(PrometheusError("up had no answer")), 30)(1e9, ())
    assert (engines.failure, gc.isenabled()) == ("Prometheus: up had no answer", True)


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        engines_by(Collected(), 30)(1e9, ())
        assert not gc.isenabled()
    finally:
        gc.enable()


class Relabelled(Collected):
    """A Prometheus that has one series of each metric, with these labels of its scrape."""

    def __init__(self, **labels: str) -> None:
        super().__init__()
        self._labels = {"setpoint_service": "chat", **labels}

    def vector(self, query: Query, at_seconds: float) -> tuple[Series, ...]:
        """Answer with the series."""
        super().vector(query, at_seconds)
        return (Series(query.selector.metric, self._labels, 1.0),)


@pytest.mark.parametrize("labels", [{}, {"namespace": "team-a"}, {"pod": "chat-1"}])
def test_series_that_do_not_say_of_which_pod_they_are_are_told_where_a_pod_has_none(
    labels: dict[str, str],
) -> None:
    engines = engines_by(Relabelled(**labels), 30)(1e9, ())
    assert engines.fault_of(("team-a", "chat-1")) == (
        f"Prometheus has no series of it, and {len(NAMES)} of engines without the labels namespace and pod:"
        " set both by relabel_configs (docs/prometheus.md)"
    )


def test_a_pod_without_series_is_told_as_that() -> None:
    engines = engines_by(Relabelled(namespace="team-b", pod="other"), 30)(1e9, ())
    assert engines.fault_of(("team-a", "chat-1")) == "Prometheus has no series of it"


def histograms_asked_for(unjudged: Collection[str]) -> list[str]:
    """The queries for histograms of latencies."""
    prometheus = Collected()
    engines_by(prometheus, 30)(1e9, unjudged)
    assert len(prometheus.asked) <= MAX_QUERIES
    return [each for each in prometheus.asked if "seconds_bucket" in each]


def test_no_histogram_is_asked_for_while_every_engine_judges() -> None:
    assert histograms_asked_for(()) == []


def test_the_histograms_of_services_that_are_not_judged_are_two_queries_more() -> None:
    assert histograms_asked_for(["chat", "a.b"]) == [
        r'vllm:time_to_first_token_seconds_bucket{setpoint_service=~"a\\.b|chat"}',
        r'vllm:inter_token_latency_seconds_bucket{setpoint_service=~"a\\.b|chat"}',
    ]


def test_the_histograms_of_many_services_are_no_more_queries_and_no_longer_ones() -> None:
    asked = histograms_asked_for([f"chat-{number}" for number in range(MOST_NAMED + 1)])
    assert [each.partition("{")[2] for each in asked] == ['setpoint_service!=""}'] * 2
