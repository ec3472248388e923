from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint_vllm.engine_core import clamp, setpoint_limits
from tests.setpoint_vllm.builders import Scheduler

COUNTS = st.integers(1, 100_000)


def core_of(scheduler: Any) -> SimpleNamespace:
    return SimpleNamespace(scheduler=scheduler)


@given(
    wanted=st.fixed_dictionaries(
        {}, optional={"seqs": COUNTS, "tokens": COUNTS, "longPrefill": st.integers(0, 9_999)}
    ),
    seqs=st.integers(1, 1024),
    more_tokens=st.integers(0, 16_384),
    long_prefill=st.integers(0, 8192),
    draft_tokens=st.integers(0, 8),
    share_running=st.floats(0, 1),
)
def test_limits_are_never_looser_than_the_start_and_never_stall_a_sequence(
    wanted: dict[str, int],
    seqs: int,
    more_tokens: int,
    long_prefill: int,
    draft_tokens: int,
    share_running: float,
) -> None:
    running = int(seqs * share_running)
    start = {"seqs": seqs, "tokens": seqs * (1 + draft_tokens) + more_tokens, "longPrefill": long_prefill}
    limits = clamp(wanted, start, running, 1 + draft_tokens)
    assert 1 <= limits["seqs"] <= start["seqs"]
    assert max(limits["seqs"], running) * (1 + draft_tokens) <= limits["tokens"] <= start["tokens"]
    if long_prefill:
        assert 1 <= limits["longPrefill"] <= long_prefill
    if not wanted:
        assert limits == start


@pytest.mark.parametrize("draining", [True, False])
def test_a_lower_limit_drains_without_an_error_while_requests_wait(draining: bool) -> None:
    scheduler = Scheduler(draining=draining, seqs=16)
    core = core_of(scheduler)
    scheduler.waiting = 1000
    assert scheduler.schedule() == 16
    setpoint_limits(core, {"seqs": 4}, 1)
    for expected in range(15, 3, -1):
        scheduler.running.pop()
        assert scheduler.schedule() == max(expected, 4)
    scheduler.running.pop()
    assert scheduler.schedule() == 4


@pytest.mark.parametrize("draining", [True, False])
def test_the_start_values_come_back_whole(draining: bool) -> None:
    scheduler = Scheduler(draining=draining, seqs=16, tokens=1024, long_prefill=256)
    core = core_of(scheduler)
    before = vars(scheduler).copy() | {"schedule": scheduler.schedule}
    setpoint_limits(core, {"seqs": 2, "tokens": 64, "longPrefill": 32}, 1)
    scheduler.schedule()
    answer = setpoint_limits(core, {}, 2)
    assert (answer["generation"], answer["limits"]) == (2, answer["start"])
    assert vars(scheduler) | {"schedule": scheduler.schedule} == before
    scheduler.waiting = 20
    assert scheduler.schedule() == 16


def test_before_0_31_what_feeds_the_assertion_is_never_below_what_runs() -> None:
    scheduler = Scheduler(draining=False, seqs=16)
    scheduler.waiting = 10
    scheduler.schedule()
    setpoint_limits(core_of(scheduler), {"seqs": 1}, 1)
    assert scheduler.schedule() == 10


def test_from_0_31_what_feeds_the_assertion_is_not_written() -> None:
    scheduler = Scheduler(seqs=16)
    setpoint_limits(core_of(scheduler), {"seqs": 1}, 1)
    assert scheduler.max_num_running_reqs == 16


def test_an_older_generation_only_reads() -> None:
    core = core_of(Scheduler(seqs=16))
    setpoint_limits(core, {"seqs": 4}, 7)
    answer = setpoint_limits(core, {"seqs": 9}, 6)
    assert (answer["generation"], answer["limits"]["seqs"], core.scheduler.max_num_active_reqs) == (7, 4, 4)


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("max_num_scheduled_tokens", None),
        ("max_num_scheduled_tokens", "many"),
        ("running", None),
        ("scheduler_config", 3),
    ],
)
def test_a_scheduler_that_is_built_otherwise_is_not_touched(attribute: str, value: object) -> None:
    scheduler = Scheduler()
    setattr(scheduler, attribute, value)
    before = vars(scheduler).copy()
    assert "unsupported" in setpoint_limits(core_of(scheduler), {"seqs": 1, "tokens": 20}, 1)
    assert vars(scheduler) == before
