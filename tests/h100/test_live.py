"""The tuner's live runs on the GPU: what is sent, and what is told of them."""

from itertools import pairwise
from typing import Any

import pytest

from benchmarks.h100.brackets import Limits
from benchmarks.h100.live import RUNS, Part, trace
from benchmarks.h100.live_told import by_limits, kept_from_seconds, last_of_each, own_phases, summary
from benchmarks.h100.tuned import Phase
from benchmarks.h100.windows import ended
from tests.h100.test_tuned import sample, stage

PARTS = (Part("chat", 20, 30), Part("long", 5, 20))


def part(**changed: Any) -> dict[str, Any]:
    """Return the second part of a run, from 10 s to 30 s of it."""
    bins = [
        {"begin": 10.0 + 5 * number, "itl_p95": itl, "ttft_p95": 0.2}
        for number, itl in enumerate((0.05, 0.02, 0.01, 0.03))
    ]
    whole = {
        "run": "tight",
        "part": "long",
        "promise_ms": 30,
        "rate_per_second": 8,
        "begin": 10.0,
        "end": 30.0,
        "began": 1000.0,
        "ended_at": {"seqs": 512, "tokens": 512},
        "stage": stage(),
        "last": stage(),
        "bins": bins,
    }
    return whole | changed


def test_the_parts_follow_one_another_without_a_pause() -> None:
    requests = list(trace(PARTS))
    assert [each.number for each in requests] == list(range(len(requests)))
    assert all(before.scheduled <= after.scheduled for before, after in pairwise(requests))
    assert len([each for each in requests if each.scheduled < 30]) == pytest.approx(600, rel=0.2)
    assert all((each.prompt_tokens > 1000) == (each.scheduled >= 30) for each in requests)
    gap = next(each.scheduled for each in requests if each.scheduled >= 30) - 30
    assert gap < 2


def test_the_load_goes_on_beyond_the_end_of_the_last_part_alone() -> None:
    assert max(each.scheduled for each in trace(PARTS, more_seconds=10)) == pytest.approx(60, abs=2)
    assert max(each.scheduled for each in trace(PARTS, more_seconds=0)) < 50


def test_a_part_has_the_requests_of_a_window_at_its_rate() -> None:
    first = [(each.scheduled, each.prompt_tokens) for each in trace(PARTS[:1], 0)]
    assert first == [(each.scheduled, each.prompt_tokens) for each in trace((PARTS[0],), 0)]


def test_every_run_is_named_once() -> None:
    assert len({run.name for run in RUNS}) == len(RUNS)
    assert all(run.slo.startswith("itl.p95=") for run in RUNS)


def test_the_promise_is_kept_from_the_bin_on_after_which_none_breaks_it() -> None:
    assert kept_from_seconds(part()) == 5
    bins = part()["bins"]
    assert kept_from_seconds(part(promise_ms=20)) is None
    assert kept_from_seconds(part(bins=[*bins[:3], bins[3] | {"ttft_p95": 1.5}])) is None
    assert kept_from_seconds(part(bins=[*bins[:3], bins[3] | {"itl_p95": None}])) is None
    assert kept_from_seconds(part(promise_ms=60)) == 0


def test_the_phases_of_a_part_begin_with_it() -> None:
    samples = [sample(1000.0 + second, 8192 if second < 18 else 512) for second in range(30)]
    assert own_phases(part(), samples) == [Phase(10.0, 17.0, 256, 8192), Phase(18.0, 29.0, 256, 512)]


def test_the_summary_tells_where_the_limits_ended_and_when_they_moved() -> None:
    samples = [sample(1000.0 + second, 8192 if second < 18 else 512) for second in range(30)]
    told = summary([part()], samples)[2]
    assert told.startswith("| 30 ms | long | 8 | 1 times | 8 s | 256 sequences, 512 tokens | 5 s | 20 s |")
    still = summary([part()], samples[:18])[2]
    assert still.startswith("| 30 ms | long | 8 | 0 times | - | 256 sequences, 8192 tokens |")
    assert "unknown" in summary([part()], [])[2]


def test_bins_stand_beside_the_limits_that_were_in_force_all_through_them() -> None:
    samples = [sample(1000.0 + second, 8192 if second < 18 else 512) for second in range(30)]
    assert by_limits([part()], samples)[2:] == [
        "| 30 ms | long | 10 to 17 | 256 | 8192 | 50 | 200 |",
        "| 30 ms | long | 18 to 29 | 256 | 512 | 10, 30 | 200, 200 |",
    ]


def test_a_part_that_was_held_again_is_told_once() -> None:
    again = part(ended_at={"seqs": 256, "tokens": 256})
    assert last_of_each([part(), again]) == [again]
    assert ended([part(), again]) == {("long", 30): Limits(256, 256)}
    assert ended([part(ended_at=None)]) == {}
