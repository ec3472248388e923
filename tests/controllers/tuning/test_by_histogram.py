"""Whether a promise is kept, by vLLM's histograms: told only where both ends of what may be agree."""

import math

import pytest

from setpoint.controllers.tuning.by_histogram import slo_met
from setpoint.signals.histogram import Buckets
from setpoint.signals.reading import Counters
from setpoint.signals.window import Window
from setpoint.tuner.promise import Objective
from setpoint_vllm.limits_file import Latency


def promise(latency: Latency = Latency.ITL, threshold_seconds: float = 0.04) -> Objective:
    return Objective("itl" if latency is Latency.ITL else "ttft", latency, threshold_seconds)


def gaps(below: float, between: float, above: float) -> Buckets:
    """Gaps of at most 25 ms, of up to 50 ms, and longer ones."""
    return {0.025: below, 0.05: below + between, math.inf: below + between + above}


def window(*, requests: float = 1000.0, running: float = 0.0, itl: Buckets | None = None) -> Window:
    """Ten minutes in which the first tokens all came within half a second."""
    latencies: dict[Latency, Buckets] = {Latency.TTFT: {0.5: requests, 1.0: requests, math.inf: requests}}
    if itl is not None:
        latencies[Latency.ITL] = itl
    return Window(600.0, Counters(latencies=latencies), running, 0.0, 0.0, 0.0, 0.2)


@pytest.mark.parametrize(
    ("itl", "status", "reason"),
    [
        (gaps(9900, 50, 50), "True", "Met"),
        (gaps(9000, 0, 1000), "False", "Missed"),
        (gaps(9000, 900, 100), "Unknown", "HistogramTooCoarse"),
    ],
)
def test_a_promise_between_two_edges_is_told_where_both_bounds_agree(
    itl: Buckets, status: str, reason: str
) -> None:
    assert slo_met([promise()], window(itl=itl))[:2] == (status, reason)


def test_the_message_says_that_it_is_by_histogram_and_between_which_edges() -> None:
    *_, message = slo_met([promise()], window(itl=gaps(9000, 900, 100)))

    assert message == (
        "by vLLM's histogram, since an engine runs without Setpoint's plugin, so nobody judges its requests:"
        " itl: 4.6% beyond 40ms (between 1.0% and 10.0% by its edges 25ms and 50ms), allowed are 5.0%"
    )


def test_at_an_edge_the_message_says_that_it_is_exact() -> None:
    *_, message = slo_met([promise(threshold_seconds=0.05)], window(itl=gaps(9000, 900, 100)))

    assert "itl: 1.0% beyond 50ms (exactly, since that is one of its edges), allowed are 5.0%" in message


def test_a_threshold_above_the_last_edge_is_too_coarse_and_not_met() -> None:
    found = slo_met([promise(threshold_seconds=3.0)], window(itl=gaps(9000, 0, 1000)))

    assert found[:2] == ("Unknown", "HistogramTooCoarse")
    assert "by its edges 50ms and infinity" in found[2]


def test_the_gaps_of_few_requests_are_too_few_to_tell() -> None:
    found = slo_met([promise()], window(requests=19, itl=gaps(9900, 50, 50)))

    assert found[:2] == ("Unknown", "NotEnoughTraffic")


def test_long_answers_under_way_count_as_requests_before_another_one_comes() -> None:
    found = slo_met([promise()], window(requests=0, running=200, itl=gaps(9900, 0, 0)))

    assert found[:2] == ("True", "Met")


def test_no_objective_is_kept_beside_one_that_cannot_be_told() -> None:
    first_token = promise(Latency.TTFT, 1.0)

    found = slo_met([first_token, promise()], window(itl=gaps(9000, 900, 100)))
    assert found[:2] == ("Unknown", "HistogramTooCoarse")
    assert "ttft" not in found[2]


def test_one_objective_that_is_missed_is_told_beside_one_that_cannot_be() -> None:
    first_token = promise(Latency.TTFT, 0.4)

    found = slo_met([first_token, promise()], window(itl=gaps(9000, 0, 1000)))
    assert found[:2] == ("False", "Missed")
    assert "ttft" not in found[2]


def test_without_the_histogram_of_an_objective_nothing_is_said_of_the_promise() -> None:
    found = slo_met([promise(Latency.TTFT, 1.0), promise()], window())

    assert found[:2] == ("Unknown", "NotJudged")
