import pytest

from setpoint.workload.objectives import ItlRule, Metric, Objective, RequestLatencies, parse_slo


def a_request(
    ttft: float = 0.2, mean_itl: float = 0.02, worst_itl: float = 0.03, e2e: float = 2.0
) -> RequestLatencies:
    return RequestLatencies(ttft, mean_itl, worst_itl, e2e)


def test_an_slo_is_read_with_its_units() -> None:
    assert parse_slo("itl.p95=60ms, ttft.p99.9=1s").objectives == (
        Objective(Metric.ITL, 95, 0.06),
        Objective(Metric.TTFT, 99.9, 1.0),
    )


def test_a_threshold_may_be_a_fraction_of_a_unit() -> None:
    assert [each.threshold_seconds for each in parse_slo("ttft.p95=0.5s,itl.p95=7.5ms").objectives] == [
        0.5,
        0.0075,
    ]


@pytest.mark.parametrize("late", [a_request(ttft=1.1), a_request(mean_itl=0.07), a_request(e2e=9)])
def test_a_request_is_good_only_when_it_meets_every_objective(late: RequestLatencies) -> None:
    slo = parse_slo("itl.p95=60ms,ttft.p95=1s,e2e.p95=5s")
    assert slo.is_good(a_request())
    assert not slo.is_good(late)


def test_the_rule_says_whether_the_mean_or_every_gap_is_judged() -> None:
    stalled = a_request(mean_itl=0.02, worst_itl=0.5)
    assert parse_slo("itl.p95=60ms").is_good(stalled)
    assert not parse_slo("itl.p95=60ms", ItlRule.EVERY_GAP).is_good(stalled)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no objective"),
        ("itl=60ms", "no objective"),
        ("tpot.p95=60ms", "ttft, itl, e2e"),
        ("itl.p95=60", "not a duration"),
        ("itl.p0=60ms", "between 0 and 100"),
        ("itl.p100=60ms", "between 0 and 100"),
        ("itl.p95=0s", "cannot be kept"),
        ("itl.p95=60ms,itl.p99=80ms", "twice"),
        ("ttft.p95=2s,e2e.p95=1s", "cannot be kept"),
    ],
)
def test_an_slo_that_cannot_be_meant_is_told(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_slo(text)
