"""Every fault is seen by the tuner, or felt by clients, as it is meant."""

from collections.abc import Callable
from functools import cache

import pytest

from benchmarks.adversary.faults import Fault, Kind
from benchmarks.adversary.row import is_on_unfit_data
from benchmarks.adversary.world import FOREIGN_WRITER, Seen, seen
from setpoint.signals.window import DataState
from setpoint.tuner.knobs import Knobs
from setpoint.tuner.record import Record
from setpoint.tuner.state import Mode, Reason
from setpoint_vllm.limits_file import Limit
from tests.adversary.builders import TIGHT, hour

BUSY = 36.0


def records(*faults: Fault, replicas: int = 1, end_seconds: float = 300) -> dict[float, Record]:
    found = seen(hour(*faults, replicas=replicas), Mode.AUTO, end_seconds=end_seconds).records
    return {each.observation.now_seconds: each for each in found}


@cache
def busy(*faults: Fault, mode: Mode = Mode.AUTO) -> Seen:
    """Three minutes in which the start values break the promise, at once."""
    tight = hour(*faults, rate_per_second=BUSY, promise=TIGHT)
    return seen(tight, mode, plans=False, end_seconds=180)


def in_force(record: Record) -> int:
    return record.observation.readings["engine-0"].ranks["0"].in_force[Limit.TOKENS]


@pytest.mark.parametrize(
    ("fault", "at", "data"),
    [
        (Fault(Kind.PROMETHEUS_GONE, 100, 60), 120, DataState.MISSING),
        (Fault(Kind.SAMPLES_STALE, 100, 120), 150, DataState.STALE),
        (Fault(Kind.ENGINE_UNREAD, 100, 60, "engine-0"), 120, DataState.MISSING),
        (Fault(Kind.COUNTERS_RESET, 118, 0, "engine-0"), 120, DataState.RESET),
        (Fault(Kind.ENGINE_RESTART, 100, 30, "engine-0"), 120, DataState.MISSING),
    ],
    ids=lambda each: str(each),
)
def test_data_are_not_ok_while_they_cannot_be(fault: Fault, at: float, data: DataState) -> None:
    found = records(fault)
    assert found[90.0].decision.data is DataState.OK
    assert found[at].decision.data is data
    assert found[300.0].decision.data is DataState.OK


def test_an_engine_that_started_anew_counts_from_zero_and_has_lost_what_it_had() -> None:
    restart = Fault(Kind.ENGINE_RESTART, 100, 30, "engine-0")
    with_fault, without = (
        seen(hour(*faults, rate_per_second=20), Mode.DISABLED, end_seconds=180) for faults in ((restart,), ())
    )
    lost = set(without.good) - set(with_fault.good)
    assert with_fault.offered == without.offered
    assert any(at < 100 for at in lost)
    assert sum(100 <= at < 130 for at in lost) == sum(100 <= at < 130 for at in without.good)


@pytest.mark.parametrize("kind", [Kind.OPERATOR_RESTART, Kind.OPERATOR_GONE])
def test_an_operator_that_is_gone_does_not_look_and_comes_back_without_a_window(kind: Kind) -> None:
    found = records(Fault(kind, 100, 60))
    assert [at for at in found if 100 <= at < 160] == []
    assert found[90.0].after.began
    assert not found[165.0].before.began
    assert found[165.0].before.generation == found[90.0].after.generation


def test_what_is_wanted_is_not_told_while_the_api_server_is_gone() -> None:
    told, untold = busy(), busy(Fault(Kind.API_SERVER_GONE, 1, 179))
    assert in_force(told.records[-1]) < 8192
    assert untold.records[-1].after.knobs != Knobs()
    assert {in_force(each) for each in untold.records} == {8192}
    assert untold.records[-1].decision.message == "engine-0 does not follow: nothing tells it its limits"


def test_a_late_kubelet_brings_limits_later() -> None:
    def moved_seconds(of: Seen) -> float:
        return next(each.observation.now_seconds for each in of.records if in_force(each) < 8192)

    assert moved_seconds(busy(Fault(Kind.KUBELET_LATE, 1, 179))) > moved_seconds(busy()) + 10


def test_somebody_elses_limits_freeze_the_tuner_until_the_operator_outdoes_them() -> None:
    found = records(Fault(Kind.FOREIGN_WRITER, 100, 60))
    assert found[135.0].decision.reason is Reason.FROZEN
    assert found[135.0].observation.readings["engine-0"].ranks["0"].writer == FOREIGN_WRITER
    assert in_force(found[135.0]) == 1024
    assert found[300.0].decision.reason is not Reason.FROZEN
    assert in_force(found[300.0]) == 8192


@pytest.mark.parametrize(
    ("fault", "is_felt"),
    [
        (Fault(Kind.ENGINE_SLOW, 1, 179, "engine-0"), lambda with_it, without: with_it < 0.9 * without),
        (Fault(Kind.COUNTERS_RESET, 100, 0, "engine-0"), lambda with_it, without: with_it == without),
    ],
    ids=lambda each: str(each) if isinstance(each, Fault) else "",
)
def test_clients_feel_a_slow_engine_and_no_reset(fault: Fault, is_felt: Callable[[int, int], bool]) -> None:
    assert is_felt(len(busy(fault, mode=Mode.DISABLED).good), len(busy(mode=Mode.DISABLED).good))


def test_a_scaler_changes_how_many_engines_are_read() -> None:
    up = records(Fault(Kind.SCALE_UP, 60, 60))
    down = records(Fault(Kind.SCALE_DOWN, 60, 0, "engine-1"), replicas=2)
    assert [len(up[at].observation.readings) for at in (45.0, 180.0)] == [1, 2]
    assert [len(down[at].observation.readings) for at in (45.0, 180.0)] == [2, 1]
    assert not down[180.0].observation.missing


def test_an_hour_is_the_same_with_and_without_a_tuner_that_moves_nothing() -> None:
    auto, disabled = (seen(hour(), mode, end_seconds=120) for mode in (Mode.AUTO, Mode.DISABLED))
    assert auto.offered == disabled.offered
    assert auto.good == disabled.good


def test_no_limit_moves_while_no_engine_can_be_read() -> None:
    blind = busy(Fault(Kind.PROMETHEUS_GONE, 30, 149))
    assert not any(each.decision.is_applied for each in blind.records if each.observation.now_seconds >= 30)
    assert not any(map(is_on_unfit_data, blind.records))
