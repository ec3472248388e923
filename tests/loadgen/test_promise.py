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


def test_the_itl_rule_decides_about_a_single_stall() -> None:
    stalled = a_record(gaps=(0.01,) * 9 + (0.2,))
    assert is_good(parse_slo("itl.p95=50ms"), stalled)
    assert not is_good(parse_slo("itl.p95=50ms", ItlRule.EVERY_GAP), stalled)
