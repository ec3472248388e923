"""Which requests and tokens kept the promise."""

from setpoint.simulator.http.series import Registry
from setpoint.simulator.http.verdicts import Verdicts
from setpoint_vllm.limits_file import Latency, Objective
from tests.simulator.http.builders import Observed, Values

FIRST = Objective("first-token", Latency.TTFT, 1.0)
BETWEEN = Objective("between-tokens", Latency.ITL, 0.05)


def test_a_request_is_good_when_it_meets_every_objective_itself() -> None:
    registry = Registry()
    verdicts, value = Verdicts(registry), Values(registry)
    verdicts.objectives = (FIRST, BETWEEN)
    for ttft, mean_gap in ((1.0, 0.05), (1.1, 0.01), (0.1, 0.06)):
        verdicts.finished(ttft, mean_gap)
    verdicts.shed()
    verdicts.failed()
    verdicts.failed()
    verdicts.cut()
    kinds = (("good", ""), ("bad", "late"), ("bad", "shed"), ("bad", "failed"), ("cut", ""))
    counts = [value("setpoint_requests_total", verdict=verdict, reason=reason) for verdict, reason in kinds]
    assert counts == [1, 2, 1, 2, 1]


def test_each_objective_judges_the_latencies_of_its_kind_with_its_newest_threshold() -> None:
    registry = Registry()
    verdicts, value = Verdicts(registry), Values(registry)
    verdicts.objectives = (FIRST, BETWEEN)
    verdicts.latency(Latency.ITL, 0.04, 200)
    verdicts.objectives = (FIRST, Objective("between-tokens", Latency.ITL, 0.03))
    verdicts.latency(Latency.ITL, 0.04, 50)
    assert value("setpoint_tokens_total", objective="between-tokens", verdict="good") == 200
    assert value("setpoint_tokens_total", objective="between-tokens", verdict="bad") == 50
    assert value.get("setpoint_tokens_total", objective="first-token", verdict="good") is None


def test_every_first_token_gap_and_request_of_an_engine_is_judged() -> None:
    observed = Observed(
        step_seconds=lambda step: 0.1 if step.prefill_tokens else 0.01, objectives=(FIRST, BETWEEN)
    )
    observed.submit(20, 10)
    observed.submit(20, 10, at=0.05)
    observed.run()
    tokens = {
        (objective, verdict): observed.value.get(
            "setpoint_tokens_total", objective=objective, verdict=verdict
        )
        for objective in ("first-token", "between-tokens")
        for verdict in ("good", "bad")
    }
    # The prompt of the second takes a step of 100 ms, which is a gap of the first.
    assert tokens == {
        ("first-token", "good"): 2,
        ("first-token", "bad"): None,
        ("between-tokens", "good"): 17,
        ("between-tokens", "bad"): 1,
    }
    assert observed.value("setpoint_requests_total", verdict="good", reason="") == 2
