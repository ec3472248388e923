"""One engine at one moment: what its series say together, and which of them cannot be believed."""

import math
from pathlib import Path

import pytest

from setpoint.signals.exposition import parse_exposition
from setpoint.signals.reading import (
    HISTOGRAMS,
    NAMES,
    NEEDED,
    Counters,
    Judged,
    ReadingError,
    Steps,
    reading,
)
from setpoint.signals.series import Series
from setpoint_vllm.limits_file import Latency, Limit
from tests.signals.builders import EXPOSITION, needed, sample, verdicts


def test_an_engine_is_read_from_what_it_serves() -> None:
    read = reading(parse_exposition(EXPOSITION, NAMES), 7.0)
    assert (read.at_seconds, read.running, read.waiting, read.kv_cache_usage) == (7.0, 3.0, 1.0, 0.25)
    assert read.supported is True
    assert read.counters == Counters(
        good=400, late=20, shed=7, failed=1, cut=2, prompt_tokens=54681, generation_tokens=35427,
        preemptions=2,
        steps_by_size={256: Steps(4600, 46.5, 80000), math.inf: Steps(2, 0.5, 20000)},
        judged={"ttft": Judged(415, 5)},
    )  # fmt: skip


def test_of_a_rank_s_limits_infinite_ones_are_left_out() -> None:
    (rank,) = reading(parse_exposition(EXPOSITION, NAMES), 0.0).ranks.values()
    assert rank.in_force == {Limit.TOKENS: 512, Limit.SEQS: 256}
    assert rank.start == {Limit.TOKENS: 8192, Limit.SEQS: 256}


def test_counts_of_ranks_are_added_and_of_their_shares_the_highest_counts() -> None:
    read = reading([*needed("0", kv_cache=0.1), *needed("1", kv_cache=0.7)], 0.0)
    assert (read.counters.prompt_tokens, read.running, read.kv_cache_usage) == (2000.0, 6.0, 0.7)


@pytest.mark.parametrize("name", NEEDED)
def test_an_engine_without_a_needed_metric_is_not_believed(name: str) -> None:
    with pytest.raises(ReadingError, match=f"{name} is missing"):
        reading([each for each in needed() if each.name != name], 0.0)


@pytest.mark.parametrize("value", [math.nan, -1.0, math.inf])
@pytest.mark.parametrize("name", NEEDED)
def test_a_value_that_its_metric_cannot_have_is_not_believed(name: str, value: float) -> None:
    series = [each._replace(value=value) if each.name == name else each for each in needed()]
    with pytest.raises(ReadingError, match=f"{name} is {value}"):
        reading(series, 0.0)


def test_a_share_above_one_is_not_believed() -> None:
    with pytest.raises(ReadingError, match=r"vllm:kv_cache_usage_perc is 25\.0"):
        reading(needed(kv_cache=25.0), 0.0)


def test_a_series_that_comes_twice_is_not_believed() -> None:
    with pytest.raises(ReadingError, match="vllm:num_requests_running comes twice"):
        reading([*needed(), needed()[0]], 0.0)


def test_series_of_two_models_are_not_one_engine_s() -> None:
    other = [each._replace(labels={**each.labels, "model_name": "other"}) for each in needed("1")]
    with pytest.raises(ReadingError, match="models 'other' and 'tiny'"):
        reading([*needed(), *other], 0.0)


@pytest.mark.parametrize(
    "labels", [{"verdict": "good", "reason": "late"}, {"verdict": "splendid"}, {"verdict": "bad"}]
)
def test_a_verdict_on_requests_that_no_plugin_gives_is_not_believed(labels: dict[str, str]) -> None:
    with pytest.raises(ReadingError, match="setpoint_requests_total has the verdict"):
        reading([*needed(), sample("setpoint_requests_total", 1.0, **labels)], 0.0)


def test_a_verdict_on_latencies_that_no_plugin_gives_is_not_believed() -> None:
    series = sample("setpoint_tokens_total", 1.0, objective="ttft", verdict="cut")
    with pytest.raises(ReadingError, match="setpoint_tokens_total has the verdict 'cut'"):
        reading([*needed(), series], 0.0)


@pytest.mark.parametrize(
    ("name", "labels", "label"),
    [
        ("setpoint_requests_total", {"reason": ""}, "verdict"),
        ("setpoint_tokens_total", {"verdict": "good"}, "objective"),
        ("setpoint_engine_limit", {"engine": "0"}, "limit"),
        ("setpoint_engine_limit", {"limit": "seqs"}, "engine"),
        ("setpoint_engine_limit_generation", {"writer": "me"}, "engine"),
        ("setpoint_engine_step_totals", {"engine": "0", "total": "steps"}, "up_to"),
        ("setpoint_engine_step_totals", {"engine": "0", "up_to": "64"}, "total"),
    ],
)
def test_a_label_that_is_missing_is_named(name: str, labels: dict[str, str], label: str) -> None:
    with pytest.raises(ReadingError, match=f"{name} has no label '{label}'"):
        reading([*needed(), sample(name, 1.0, **labels)], 0.0)


@pytest.mark.parametrize("edge", ["many", "nan"])
def test_an_edge_that_is_no_number_is_named(edge: str) -> None:
    with pytest.raises(ReadingError, match=f"has the edge '{edge}'"):
        reading([*needed(), sample("setpoint_engine_step_totals", 1.0, total="steps", up_to=edge)], 0.0)


def test_of_two_writers_the_one_of_the_newer_generation_counts() -> None:
    written = [
        sample("setpoint_engine_limit_generation", 3.0, engine="0", writer="zoe"),
        sample("setpoint_engine_limit_generation", 4.0, engine="0", writer="adam"),
    ]
    rank = reading([*needed(), *written], 0.0).ranks["0"]
    assert (rank.generation, rank.writer) == (4, "adam")


def test_two_writers_of_the_same_generation_are_both_named() -> None:
    written = [
        sample("setpoint_engine_limit_generation", 4.0, engine="0", writer=writer)
        for writer in ("zoe", "adam")
    ]
    assert reading([*needed(), *written], 0.0).ranks["0"].writer == "adam, zoe"


def test_a_limit_that_we_do_not_know_is_left_alone() -> None:
    written = [
        sample("setpoint_engine_limit_generation", 1.0, engine="0", writer="me"),
        sample("setpoint_engine_limit", 5.0, engine="0", limit="temperature"),
    ]
    assert reading([*needed(), *written], 0.0).ranks["0"].in_force == {}


def test_an_engine_of_which_one_rank_cannot_be_moved_is_not_supported() -> None:
    flags = [sample("setpoint_engine_limits_supported", value, engine=str(value)) for value in (1.0, 0.0)]
    assert reading([*needed(), *verdicts(), *flags], 0.0).supported is False


@pytest.mark.parametrize("dropped", range(5))
def test_a_plugin_of_whose_verdicts_one_does_not_arrive_is_not_believed(dropped: int) -> None:
    flag = sample("setpoint_engine_limits_supported", 1.0)
    arrived = [each for number, each in enumerate(verdicts()) if number != dropped]
    with pytest.raises(ReadingError, match="setpoint_requests_total has not every verdict"):
        reading([*needed(), *arrived, flag], 0.0)


def test_an_engine_without_the_plugin_has_no_limits_to_tell() -> None:
    read = reading(needed(), 0.0)
    assert (read.ranks, read.supported) == ({}, None)


def test_when_a_rank_last_confirmed_its_limits_is_read() -> None:
    told = [
        sample("setpoint_engine_limit_generation", 1.0, engine="0", writer="me"),
        sample("setpoint_engine_limit_confirmed_timestamp_seconds", 123.5, engine="0"),
    ]
    assert reading([*needed(), *told], 0.0).ranks["0"].confirmed_seconds == 123.5


TTFT = "vllm:time_to_first_token_seconds_bucket"
METRICS = Path(__file__).parents[2] / "e2e" / "contract" / "vllm-metrics-0.32.txt"


def buckets(counts: dict[str, float], rank: str = "0") -> list[Series]:
    """Of a histogram of first tokens, by edge."""
    return [sample(TTFT, count, le=edge, engine=rank) for edge, count in counts.items()]


def test_the_latencies_of_all_ranks_are_one_histogram() -> None:
    first, second = buckets({"0.5": 2, "+Inf": 3}), buckets({"0.50": 10, "+Inf": 20}, rank="1")
    read = reading([*needed(), *needed("1"), *first, *second], 0.0)
    assert read.counters.latencies == {Latency.TTFT: {0.5: 12, math.inf: 23}}


def test_what_vllm_serves_tells_both_latencies() -> None:
    read = reading(parse_exposition(METRICS.read_text(), [*NAMES, *HISTOGRAMS]), 0.0)
    assert read.counters.latencies.keys() == {*Latency}
    assert all(0.75 in each and math.inf in each for each in read.counters.latencies.values())


@pytest.mark.parametrize("counts", [{"0.5": 1}, {"0.5": 2, "+Inf": 1}, {"0.5": 2, "1.0": 1, "+Inf": 3}])
def test_counts_that_are_no_histogram_are_not_believed(counts: dict[str, float]) -> None:
    with pytest.raises(ReadingError, match=f"{TTFT} of rank '0' is no histogram"):
        reading([*needed(), *buckets(counts)], 0.0)


@pytest.mark.parametrize(
    ("series", "is_judging"),
    [
        ([], False),
        ([*verdicts(), sample("setpoint_engine_limits_supported", 0.0)], False),
        ([*verdicts(), sample("setpoint_engine_limits_supported", 1.0)], True),
        ([sample("setpoint_tokens_total", 1.0, objective="itl", verdict="good")], True),
    ],
)
def test_an_engine_judges_where_the_plugin_is_in_it(series: list[Series], is_judging: bool) -> None:
    assert reading([*needed(), *series], 0.0).is_judging is is_judging


def test_steps_of_ranks_are_added_and_differ_between_two_readings() -> None:
    def at(steps: float) -> Counters:
        totals = {"steps": steps, "seconds": steps / 50, "tokens": 40 * steps}
        series = [
            Series("setpoint_engine_step_totals", {"engine": rank, "up_to": "64", "total": total}, value)
            for rank in "01"
            for total, value in totals.items()
        ]
        return reading([*needed(), *series], 0.0).counters

    assert (at(300.0) - at(100.0)).steps_by_size == {64: Steps(400, 8, 16000)}
    assert (at(100.0) - at(300.0)).is_negative
