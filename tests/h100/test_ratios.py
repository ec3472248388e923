"""What is told of the windows that were measured on the GPU."""

from typing import Any

from benchmarks.h100.brackets import DEFAULT, by_arm, static
from benchmarks.h100.ratios import evidence, table
from tests.h100.builders import line


def window(tokens: int, rate: float, itl_p95: float, **changed: Any) -> dict[str, Any]:
    """Return a line of the windows' file under a static budget."""
    limits = static(tokens)
    p95 = {"p95": {"value": itl_p95, "low": itl_p95, "high": itl_p95}}
    told = line("chat", load={"rate_per_second": rate}, window_seconds=40.0, itl=p95, **changed)
    return told | {
        "load_name": "chat",
        "limits": {"max_num_seqs": limits.sequences, "max_num_batched_tokens": limits.tokens},
        "answered": 100,
        "good": {"30": 80, "50": 90},
        "date": f"2026-01-01T00:00:{int(rate):02d}Z",
    }


ROWS = [window(8192, 16, 0.022), window(8192, 20, 0.034), window(512, 48, 0.02), window(1024, 20, 0.029)]


def test_the_tuned_limits_are_set_against_both_bounds_of_the_default() -> None:
    told = table(by_arm(ROWS), {("chat", 30.0): static(512)})
    times = "2.40 to 3.00"
    assert f"| chat | 30 ms | 16 | 20 | 512x512 | 48 | none | {times} | 48 | 512x512 | {times} |" in told


def test_a_tuner_that_left_the_default_is_as_good_as_it() -> None:
    told = "\n".join(table(by_arm(ROWS), {("chat", 30.0): DEFAULT}))
    assert "| 1024x8192 | 16 | 20 | 1, the same limits | 48 | 512x512 | 2.40 to 3.00 |" in told


def test_a_load_that_nothing_was_measured_of_has_no_ratio() -> None:
    assert table(by_arm(ROWS), {})[-1] == (
        "| long | 100 ms | none | none | - | none | none | not bounded | none | - | not bounded |"
    )


def test_windows_of_equal_requests_stand_together() -> None:
    told = evidence(ROWS)[2:]
    assert [each.split(" | ")[1:3] for each in told] == [
        ["16", "1024x8192"],
        ["20", "1024x8192"],
        ["20", "1024x1024"],
        ["48", "512x512"],
    ]
    assert "| 80 of 100 | 90 of 100 |" in told[0]
