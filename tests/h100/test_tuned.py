"""What the tuner's part on the H100 is told as."""

from typing import Any

from benchmarks.h100.tuned import Phase, goodput, latencies, phases


def sample(at: float, tokens: int) -> dict[str, Any]:
    """Return a sample of one rank's limits at a Unix time."""
    return {"at": at, "in_force": {"0": {"seqs": 256, "tokens": tokens}}}


def stage(warmup_seconds: float = 10.0) -> dict[str, Any]:
    """Return a window of a report."""
    p95 = {"p95": {"value": 0.02, "low": 0.019, "high": None}}
    return {
        "warmup_seconds": warmup_seconds,
        "window_seconds": 20.0,
        "itl": p95,
        "ttft": p95,
        "good": 9,
        "requests_offered": 10,
    }


def part(**changed: Any) -> dict[str, Any]:
    """Return a part of four bins that began at 1,000."""
    bins = [
        {"begin": 5.0 * number, "itl_p95": 0.01 * (number + 1), "ttft_p95": None if number == 3 else 0.1}
        for number in range(4)
    ]
    return {"part": "tuned", "began": 1000.0, "bins": bins, "stage": stage(), "last": stage()} | changed


def test_a_phase_lasts_as_long_as_the_gauges_show_the_same_limits() -> None:
    samples = [sample(1001, 8192), sample(1002, 8192), sample(1003, 512), sample(1004, 512)]
    assert phases(samples, 1000, 20) == [Phase(0, 2, 256, 8192), Phase(3, 4, 256, 512)]


def test_samples_of_another_part_and_those_that_failed_are_in_no_phase() -> None:
    samples = [sample(999, 1), sample(1001, 512), {"at": 1002.0, "error": "refused"}, sample(1020, 2)]
    assert phases(samples, 1000, 20) == [Phase(0, 1, 256, 512)]


def test_a_bin_in_which_limits_moved_is_left_out() -> None:
    samples = [
        *(sample(1000 + each, 8192) for each in range(7)),
        *(sample(1007 + each, 512) for each in range(13)),
    ]
    assert latencies([part()], samples)[2:] == [
        "| tuned | 0 to 6 | 256 | 8192 | 10 | 100 |",
        "| tuned | 7 to 19 | 256 | 512 | 30, 40 | 100, - |",
    ]


def test_a_window_that_is_a_parts_last_as_well_is_told_once() -> None:
    assert goodput([part()])[2:] == [
        "| tuned | 10 to 30 s | 20.0 (19.0 or more) | 20.0 (19.0 or more) | 9 | 10 |"
    ]
    assert len(goodput([part(last=stage(15.0))])[2:]) == 2
