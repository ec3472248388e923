from random import Random

import pytest

from setpoint.loadgen.window import Window, find_window, latencies, under_way
from setpoint.workload.arrivals import parse_arrivals
from tests.loadgen.builders import a_record

WINDOW = Window(10.0, 20.0)


def test_ttft_is_of_requests_first_answered_in_the_window() -> None:
    records = [a_record(0, 9.95), a_record(1, 19.95), a_record(2, 9.0, ttft=1.5)]
    assert list(latencies(records, WINDOW).ttft.values) == pytest.approx([0.1, 1.5])


def test_itl_is_of_gaps_that_end_in_the_window() -> None:
    crossing = a_record(0, 8.0, ttft=1.0, gaps=(1.5, 9.0, 1.0))  # at 9, 10.5, 19.5 and 20.5
    assert list(latencies([crossing], WINDOW).itl.values) == [1.5, 9.0]


def test_e2e_is_of_requests_answered_to_their_end_in_the_window() -> None:
    failed = a_record(1, 11.0, error="cut")
    samples = latencies([a_record(0, 11.0), failed, a_record(2, 19.95)], WINDOW)
    assert list(samples.e2e.values) == pytest.approx([0.16])
    assert list(samples.tpot.values) == pytest.approx([0.02])


def test_latency_counts_from_the_scheduled_time() -> None:
    late = a_record(0, 11.0, sent=11.5, ttft=1.0)
    assert list(latencies([late], WINDOW).ttft.values) == [1.0]


def test_the_number_under_way_is_known_at_any_moment() -> None:
    records = [a_record(0, 1.0, ttft=2.0, gaps=()), a_record(1, 2.0, under_way=True)]
    assert under_way(records, [0.5, 1.5, 2.5, 3.5]) == [0, 1, 2, 1]


def test_a_given_warm_up_is_taken() -> None:
    assert find_window([], 60.0, 20.0) == Window(20.0, 60.0)


def test_the_warm_up_lasts_until_the_first_requests_have_ended() -> None:
    """With answers of 10 s the number of streams rises for 10 s."""
    arrivals = parse_arrivals("poisson")
    starts = []
    for seed in range(30):
        offsets = arrivals.offsets_seconds(20, 60, Random(seed))
        records = [a_record(number, at, gaps=(0.1,) * 99) for number, at in enumerate(offsets)]
        starts.append(find_window(records, 60.0, None).start)
    assert min(starts) >= 10
    assert sum(start <= 20 for start in starts) >= 24
