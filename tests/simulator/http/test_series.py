"""Counting in bulk is the same as counting one by one with prometheus_client."""

import prometheus_client
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.simulator.http.series import Registry
from tests.simulator.http.builders import Values

EDGES = (0.5, 1, 2.5)
observed = st.lists(st.tuples(st.sampled_from([0.0, 0.5, 0.7, 1.0, 2.5, 3.0]), st.integers(0, 5)))


@given(observed)
def test_a_histogram_shows_what_prometheus_client_would(values: list[tuple[float, int]]) -> None:
    theirs = prometheus_client.CollectorRegistry()
    reference = prometheus_client.Histogram("seconds", "Seconds", ["kind"], registry=theirs, buckets=EDGES)
    registry = Registry()
    ours = registry.histogram("seconds", "Seconds", EDGES, kind="a")
    child = reference.labels(kind="a")
    for value, count in values:
        ours.observe(value, count)
        for _ in range(count):
            child.observe(value)
    shown = Values(registry)
    for family in theirs.collect():
        for sample in family.samples:
            if not sample.name.endswith("_created"):
                assert shown(sample.name, **sample.labels) == pytest.approx(sample.value)


def test_the_same_name_and_labels_are_the_same_series() -> None:
    registry = Registry()
    registry.counter("events", "Events", kind="a").add(2)
    registry.counter("events", "Events", kind="a").add()
    registry.counter("events", "Events", kind="b").add()
    assert Values(registry)("events_total", kind="a") == 3


def test_a_reset_takes_counts_back_and_leaves_gauges() -> None:
    registry = Registry()
    registry.counter("events", "Events").add()
    registry.summary("sizes", "Sizes").observe(3)
    registry.gauge("running", "Running").value = 4
    registry.reset()
    value = Values(registry)
    assert (value("events_total"), value("sizes_count"), value("sizes_sum"), value("running")) == (0, 0, 0, 4)
