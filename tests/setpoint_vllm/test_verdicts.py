from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import REGISTRY

from setpoint_vllm import state, verdicts
from setpoint_vllm.limits_file import Latency, LimitsFile, Objective

FIRST = Objective("first-token", Latency.TTFT, 1.0)
BETWEEN = Objective("between-tokens", Latency.ITL, 0.05)


def sequence(*, ttft: float = 0.5, mean_gap: float = 0.01, reason: str = "stop") -> SimpleNamespace:
    return SimpleNamespace(
        finish_reason=reason, e2e_latency=ttft + 3.0, decode_time=3.0, mean_time_per_output_token=mean_gap
    )


def iteration(**changes: Any) -> SimpleNamespace:
    empty: dict[str, Any] = {
        "time_to_first_tokens_iter": [],
        "inter_token_latencies_iter": [],
        "finished_requests": [],
    }
    return SimpleNamespace(**(empty | changes))


def count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.mark.parametrize(
    ("ended", "verdict"),
    [
        (sequence(), ("good", "")),
        (sequence(ttft=1.0, mean_gap=0.05), ("good", "")),
        (sequence(ttft=1.01), ("bad", "late")),
        (sequence(mean_gap=0.051), ("bad", "late")),
        (sequence(reason="abort"), ("bad", "failed")),
        (sequence(reason="error"), ("bad", "failed")),
    ],
)
def test_a_sequence_is_good_when_it_meets_every_objective_itself(
    ended: SimpleNamespace, verdict: tuple[str, str]
) -> None:
    assert verdicts.verdict(ended, (FIRST, BETWEEN)) == verdict


def test_latencies_are_judged_by_the_objectives_of_their_kind_that_hold_now() -> None:
    logger = verdicts.Verdicts(vllm_config=None, engine_indexes=[0])
    labels = [
        ("first-token", "bad"),
        ("first-token", "good"),
        ("between-tokens", "bad"),
        ("between-tokens", "good"),
    ]

    def counts() -> list[float]:
        return [count("setpoint_tokens_total", objective=name, verdict=verdict) for name, verdict in labels]

    before = counts()
    step = iteration(time_to_first_tokens_iter=[0.2, 2.0], inter_token_latencies_iter=[0.01, 0.04, 0.06])
    logger.record(None, step)
    assert counts() == before
    state.believed = LimitsFile(objectives=(FIRST, BETWEEN))
    logger.record(None, step)
    assert [now - then for now, then in zip(counts(), before, strict=True)] == [1, 1, 1, 2]


def test_what_cannot_be_judged_never_reaches_vllms_output_handler() -> None:
    state.believed = LimitsFile(objectives=(FIRST,))
    verdicts.Verdicts(vllm_config=None, engine_indexes=[0]).record(None, object())
