"""How many values lie beyond a threshold between two edges, by what is counted at the edges alone."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.signals.histogram import Beyond, Buckets, beyond, combined

EDGES = (0.01, 0.025, 0.05, 0.075, 0.1, 0.5, math.inf)
seconds = st.floats(0, 2)
edges = st.sets(st.floats(0.001, 2), max_size=8).map(lambda found: (*sorted(found), math.inf))


def histogram(values: list[float], upper_edges: tuple[float, ...] = EDGES) -> Buckets:
    """As an engine counts them."""
    return {edge: float(sum(value <= edge for value in values)) for edge in upper_edges}


def test_between_two_edges_the_share_of_the_bucket_beyond_the_threshold_is_bad() -> None:
    buckets = histogram([0.02] * 80 + [0.03] * 10 + [0.06] * 10)

    found = beyond(buckets, 0.045)
    assert found == Beyond(100, least_bad=10, most_bad=20, bad=found.bad, edges=(0.025, 0.05))
    assert found.bad == pytest.approx(12)


def test_at_an_edge_it_is_counted_and_not_estimated() -> None:
    assert beyond(histogram([0.05] * 7 + [0.06] * 3), 0.05) == Beyond(10, 3, 3, 3, edges=(0.05, 0.05))


def test_below_the_first_edge_the_bucket_begins_at_nothing() -> None:
    assert beyond(histogram([0.01] * 4), 0.0025) == Beyond(4, 0, 4, 3, edges=(0, 0.01))


def test_above_the_last_edge_all_may_be_bad_and_are_taken_to_be() -> None:
    assert beyond(histogram([0.1, 0.6, 0.8]), 0.7) == Beyond(3, 0, 2, 2, edges=(0.5, math.inf))


def test_a_histogram_without_values_has_none_beyond() -> None:
    assert beyond(histogram([]), 0.04) == Beyond(0, 0, 0, 0, edges=(0.025, 0.05))


@given(st.lists(seconds, max_size=30), edges, seconds)
def test_the_true_number_lies_within_the_bounds(
    values: list[float], upper_edges: tuple[float, ...], threshold: float
) -> None:
    found = beyond(histogram(values, upper_edges), threshold)

    assert found.least_bad <= sum(value > threshold for value in values) <= found.most_bad
    assert found.least_bad <= found.bad <= found.most_bad <= found.count == len(values)


@given(st.lists(seconds, max_size=30), edges, seconds, seconds)
def test_a_higher_threshold_has_no_more_beyond_it(
    values: list[float], upper_edges: tuple[float, ...], one: float, other: float
) -> None:
    buckets = histogram(values, upper_edges)
    low, high = beyond(buckets, min(one, other)), beyond(buckets, max(one, other))

    assert high.bad <= low.bad + 1e-9
    assert (high.least_bad, high.most_bad) <= (low.least_bad, low.most_bad)


@given(st.lists(seconds, min_size=1, max_size=9), st.lists(seconds, min_size=1, max_size=9), edges, edges)
def test_engines_with_other_edges_are_together_a_histogram_of_the_edges_of_both(
    some: list[float], others: list[float], one: tuple[float, ...], other: tuple[float, ...]
) -> None:
    together = combined(histogram(some, one), histogram(others, other), 1)

    common = tuple(sorted({*one} & {*other}))
    assert together == histogram(some + others, common)
    assert combined(together, histogram(others, common), -1) == histogram(some, common)


@given(st.lists(seconds, max_size=9), edges)
def test_nothing_beside_a_histogram_leaves_it_as_it_is(
    values: list[float], upper_edges: tuple[float, ...]
) -> None:
    buckets = histogram(values, upper_edges)

    assert combined(buckets, {}, 1) == combined({}, buckets, 1) == buckets
