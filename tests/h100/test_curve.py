"""What rows of the H100 show of a promise, and what they leave open."""

from dataclasses import replace

from benchmarks.h100.curve import (
    Latency,
    Measured,
    chats,
    evidence,
    highest_held,
    lowest_missed,
    measured,
    own_starts,
    ratio,
    table,
)
from benchmarks.h100.plan import DEFAULT_TOKENS
from tests.h100.builders import line


def row(rate: float, itl_p95_ms: float, tokens: int = DEFAULT_TOKENS, ttft_p95_ms: float = 100) -> Measured:
    """Return a flawless row whose intervals reach 5 % to each side."""
    ttft, itl = (Latency(each, 0.95 * each, 1.05 * each) for each in (ttft_p95_ms, itl_p95_ms))
    return Measured(tokens, rate, 60, 1000, 1000, ttft, itl)


def test_a_row_that_is_not_stationary_shows_neither_that_its_rate_holds_nor_that_it_misses() -> None:
    (flawed,) = measured([line("chat-512-44", stationary=False, unsteady=["ttft rises by 72%"])])
    assert flawed.flaws == ("not stationary: ttft rises by 72%",)
    assert not flawed.holds(30)
    assert not flawed.misses(30)
    assert not flawed.misses(10)


def test_an_invalid_row_shows_neither() -> None:
    (flawed,) = measured([line("chat-512-44", invalid=["the client was slow"])])
    assert flawed.flaws == ("invalid: the client was slow",)
    assert not flawed.holds(30)
    assert not flawed.misses(10)


def test_only_chat_rows_of_the_default_start_count() -> None:
    rows = [line("chat-512-44"), line("prefix-0-10"), line("chat-own-44", start="own-512")]
    assert len(measured(rows)) == 1


def test_a_rate_misses_that_answered_too_few_or_too_late() -> None:
    late, behind = row(40, 20, ttft_p95_ms=1500), replace(row(40, 20), completed=979)
    assert late.misses(30)
    assert behind.misses(30)
    assert replace(behind, completed=980).holds(30)


def test_the_ratio_lies_between_the_rate_that_the_default_missed_and_the_one_that_it_held() -> None:
    default = [row(12, 20.5), row(20, 34.5), row(30, 36.1)]
    best = row(46, 21.2, tokens=512)
    held, missed = highest_held(default, 30), lowest_missed(default, 30)
    assert (held, missed) == (default[0], default[1])
    assert ratio(best, held, missed) == "2.30 to 3.83"


def test_the_ratio_says_which_bound_is_missing() -> None:
    best, default = row(44, 20.0, tokens=512), row(12, 20.5)
    assert ratio(best, None, default) == "more than 3.67"
    assert ratio(best, default, None) == "at most 3.67"
    assert ratio(best, None, None) == ratio(None, default, None) == "not bounded"


def test_a_rate_that_missed_below_one_that_held_bounds_nothing() -> None:
    assert lowest_missed([row(12, 40), row(20, 25), row(30, 45)], 30) == row(30, 45)


def test_the_best_of_equal_rates_is_that_of_the_smallest_budget() -> None:
    rows = [row(44, 30, tokens=2048), row(44, 25, tokens=512)]
    assert highest_held(rows, 30) == rows[1]


def test_an_asterisk_marks_a_verdict_that_the_confidence_interval_leaves_open() -> None:
    assert row(44, 20).told(22) == "44"
    assert row(44, 20).told(20.5) == "44*"
    assert row(44, 20).told(19.5) == "44*"
    assert row(44, 20).told(18) == "44"
    assert row(46, 20, ttft_p95_ms=990).told(30) == "46*"
    assert replace(row(46, 20, ttft_p95_ms=990), completed=900).told(30) == "46"


def test_a_promise_that_no_row_kept_stands_in_the_table() -> None:
    assert table([row(12, 40.0), row(44, 41.0, tokens=512)], [20])[2:] == [
        "| 20 ms | none | 12 | none | - | not bounded |"
    ]


def test_the_rows_are_listed_with_their_windows_and_what_the_load_test_had_against_them() -> None:
    flawed = replace(row(44, 20, tokens=512), window_seconds=25, flaws=("not stationary: itl falls by 27%",))
    assert evidence([flawed])[2:] == [
        "| 1024 | 512 | 44 | 25 s | 1000 of 1000 | 100.0 (95.0 to 105.0) | 20.0 (19.0 to 21.0) "
        "| not stationary: itl falls by 27% |"
    ]


def test_an_interval_without_an_upper_end_leaves_the_verdict_open() -> None:
    open_ended = {"p95": {"value": 0.02, "low": 0.019, "high": None}}
    (found,) = measured([line("chat-512-44", itl=open_ended)])
    assert found.holds(30)
    assert found.told(30) == "44*"
    assert str(found.itl_p95) == "20.0 (19.0 or more)"


OWN = ("--max-num-seqs", "1024", "--max-num-batched-tokens", "512")
FIGURES = "5600 | 20.0 (19.0 to 21.0) | 20.0 (19.0 to 21.0) |  |"


def test_an_own_start_stands_beside_the_live_row_of_the_same_limits_rate_and_window() -> None:
    live, own = line("chat-512-44"), line("chat-own-44", start="own-512", flags=OWN)
    others = [line("chat-512-46", load={"rate_per_second": 46.0}), line("chat-512-44", window_seconds=25.0)]
    assert own_starts(chats([live, own, *others]))[2:] == [
        f"| 1024 | 512 | 44 | own-512 | of the start | {FIGURES}",
        f"| 1024 | 512 | 44 | default | moved live | {FIGURES}",
    ]


def test_a_row_whose_limits_were_moved_is_no_own_start_whatever_its_server_was_started_with() -> None:
    other = ("--max-num-seqs", "1024", "--max-num-batched-tokens", "2048")
    own = line("chat-own-44", start="own-512", flags=OWN)
    live = line("chat-1024x512-44", start="own-2048", flags=other)
    assert own_starts(chats([live, own]))[2:] == [
        f"| 1024 | 512 | 44 | own-512 | of the start | {FIGURES}",
        f"| 1024 | 512 | 44 | own-2048 | moved live | {FIGURES}",
    ]


def test_a_row_under_the_limits_of_the_default_start_is_not_moved() -> None:
    default = line("chat-8192-44")
    default["limits"]["max_num_batched_tokens"] = DEFAULT_TOKENS
    (row,) = chats([default])
    assert not row.is_moved
    assert own_starts([row])[2:] == []
