import pytest

from setpoint.loadgen.promise import is_good, share_kept
from setpoint.loadgen.records import Record
from setpoint.loadgen.window import Window
from setpoint.workload.objectives import ItlRule, parse_slo
from tests.loadgen.builders import a_record

WINDOW = Window(0.0, 100.0)


def kept(objective: str, *records: Record, taken: float = 110.0) -> float | None:
    share = share_kept(parse_slo(objective).objectives[0], records, WINDOW, taken)
    return None if share is None else share.value


def test_ttft_is_judged_by_request() -> None:
    assert kept("ttft.p95=500ms", a_record(0, 1.0), a_record(1, 2.0, ttft=0.6)) == 0.5


def test_itl_is_judged_by_token() -> None:
    assert kept("itl.p95=50ms", a_record(0, gaps=(0.02, 0.02, 0.06, 0.02))) == 0.75


@pytest.mark.parametrize("objective", ["ttft.p95=500ms", "e2e.p95=5s", "itl.p95=50ms"])
def test_what_failed_counts_against_every_objective(objective: str) -> None:
    failed = a_record(1, ttft=None, error="http_503")
    failed.output_tokens_asked = 3
    good = a_record(0, gaps=(0.02,) * 3)
    assert kept(objective, good, failed) == 0.5
    assert kept(objective, failed) == 0.0


def test_who_still_waits_counts_once_the_threshold_has_passed() -> None:
    waiting = a_record(0, 99.0, ttft=None, under_way=True)
    assert kept("ttft.p95=5s", waiting, taken=105.0) == 0.0
    assert kept("ttft.p95=5s", waiting, taken=103.0) is None


def test_an_early_look_counts_only_what_is_decided_whatever_comes() -> None:
    """At 103 s the verdict on what began after 98 s is open, and a good answer among it proves nothing."""
    late, quick = a_record(0, 97.0, ttft=5.5), a_record(1, 99.0)
    waiting = a_record(2, 99.5, ttft=None, under_way=True)
    assert kept("ttft.p95=5s", late, quick, waiting, taken=103.0) == 0.0
    assert kept("ttft.p95=5s", late, quick, waiting, taken=104.6) == pytest.approx(1 / 3)
    assert kept("ttft.p95=5s", quick, taken=99.5) == 1.0  # nothing is under way


@pytest.mark.parametrize("taken", [12.0, 20.0, 95.0])
def test_the_share_of_slow_answers_does_not_depend_on_when_it_is_looked_at(taken: float) -> None:
    """Every tenth request takes 8 s; at an early look few of them have ended."""
    seen = []
    for number in range(int(10 * taken)):
        seconds = 8.0 if number % 10 == 0 else 0.1
        open_still = number / 10 + seconds > taken
        ttft = None if open_still else seconds
        seen.append(a_record(number, number / 10, ttft=ttft, gaps=(), under_way=open_still))
    assert kept("e2e.p95=5s", *seen, taken=taken) == pytest.approx(0.9, abs=0.02)


def test_a_stream_that_stalls_counts_once_its_gap_has_overrun() -> None:
    stalled = a_record(0, 10.0, gaps=(0.02,), under_way=True)  # its second chunk came at 10.12
    stalled.output_tokens_asked = 5
    assert kept("itl.p95=1s", stalled, taken=11.0) is None
    assert kept("itl.p95=1s", stalled, taken=11.11) == 1.0
    assert kept("itl.p95=1s", stalled, taken=11.2) == 0.5


def test_a_stream_that_has_brought_all_its_tokens_has_no_gap_left() -> None:
    whole = a_record(0, 10.0, gaps=(0.02,), under_way=True)
    assert kept("itl.p95=1s", whole, taken=20.0) == 1.0


def test_missing_tokens_count_in_the_chunks_that_would_have_brought_them() -> None:
    """One of 20 requests is cut at half of its 40 tokens, of which a chunk carries 4."""
    good = [a_record(n, n, gaps=(0.02,) * 9, tokens_per_chunk=4) for n in range(19)]
    cut = a_record(19, 19.0, gaps=(0.02,) * 4, error="cut")
    cut.output_tokens_asked = 40
    assert kept("itl.p95=1s", *good, cut) == pytest.approx(1 - 5 / (19 * 9 + 4 + 5))


def test_the_tokens_that_the_usage_counts_are_not_missing() -> None:
    """Each request has 39 of 40 tokens in 10 chunks: a quarter of a chunk is missing."""
    short = [a_record(n, n, gaps=(0.02,) * 9, tokens_per_chunk=4) for n in range(80)]
    for record in short[40:]:
        record.output_tokens, record.error = 39, "too_few_tokens"
    assert kept("itl.p95=1s", *short) == pytest.approx(1 - 10 / (80 * 9 + 10))


def test_without_requests_nothing_is_known() -> None:
    assert kept("ttft.p95=5s") is None


def test_a_request_is_good_when_it_meets_every_objective_itself() -> None:
    slo = parse_slo("itl.p95=50ms,ttft.p95=1s,e2e.p95=5s")
    assert is_good(slo, a_record())
    assert not is_good(slo, a_record(ttft=1.5))
    assert not is_good(slo, a_record(gaps=(0.06,)))
    assert not is_good(slo, a_record(gaps=(0.04,) * 200))


@pytest.mark.parametrize("fate", [{"error": "cut"}, {"under_way": True}, {"ttft": None}])
def test_what_was_not_answered_to_its_end_is_not_good(fate: dict[str, object]) -> None:
    assert not is_good(parse_slo("ttft.p95=1s"), a_record(**fate))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("slo", "tokens", "asked", "prompt_tokens", "good"),
    [
        ("itl.p95=50ms", 100, 100, 10, False),
        ("itl.p95=50ms", 1, 1, 10, True),
        ("itl.p95=50ms", 1, 100, 10, True),
        ("itl.p95=50ms", 1, 100, 0, False),  # without a usage: who knows what the chunk holds
        ("ttft.p95=1s", 100, 100, 10, True),
    ],
)
def test_several_tokens_at_once_keep_no_promise_about_their_gaps(
    slo: str, tokens: int, asked: int, prompt_tokens: int, good: bool
) -> None:
    record = a_record(gaps=())
    record.output_tokens, record.output_tokens_asked, record.prompt_tokens = tokens, asked, prompt_tokens
    assert is_good(parse_slo(slo), record) == good


def test_the_itl_rule_decides_about_a_single_stall() -> None:
    stalled = a_record(gaps=(0.01,) * 9 + (0.2,))
    assert is_good(parse_slo("itl.p95=50ms"), stalled)
    assert not is_good(parse_slo("itl.p95=50ms", ItlRule.EVERY_GAP), stalled)
