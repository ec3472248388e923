import os
import re
import signal

import pytest

from setpoint.loadgen import fleet as fleet_module
from setpoint.loadgen.client import Endpoint
from setpoint.loadgen.fleet import Fleet
from setpoint.loadgen.hold import Holder, Progress, longest_good_seconds
from setpoint.loadgen.measure import measure
from setpoint.loadgen.plan import ClosedPlan, OpenPlan, Plan, ReplayPlan, Request
from setpoint.loadgen.prompts import Prompts
from setpoint.loadgen.records import Record
from setpoint.loadgen.report import ClosedLoop
from setpoint.loadgen.sender import PAUSE_AFTER_ERROR_SECONDS
from setpoint.simulator.play import RETRY_SECONDS
from setpoint.workload.arrivals import parse_arrivals
from setpoint.workload.draws import Shape
from setpoint.workload.lengths import Uniform
from setpoint.workload.objectives import parse_slo
from tests.loadgen import endpoint as does
from tests.loadgen.endpoint import MODEL, FakeEndpoint

SHAPE = Shape(Uniform(3, 9), Uniform(2, 5))


def a_fleet(endpoint: FakeEndpoint, senders: int = 2) -> Fleet:
    return Fleet(senders, Endpoint(endpoint.url, MODEL, "completions"), Prompts("salt"), 10.0)


def held(fleet: Fleet, plan: Plan, seconds: float) -> list[Record]:
    fleet.begin(plan)
    fleet.listen(seconds - fleet.now())
    return fleet.stop()


def test_senders_share_a_load_without_loss_or_double(endpoint: FakeEndpoint) -> None:
    trace = tuple(Request(number, 5, 3, number / 100) for number in range(50))
    closed = ClosedPlan(5, SHAPE, "1")
    with a_fleet(endpoint) as fleet:
        replayed = held(fleet, ReplayPlan(trace), 1.5)
        by_clients = held(fleet, closed, 1.5)  # the same senders hold the next stage
    assert sorted(record.number for record in replayed) == list(range(50))
    assert all(record.answered and record.output_tokens == 3 for record in replayed)
    numbers = [record.number for record in by_clients]
    assert len(numbers) == len(set(numbers))
    assert {number % 5 for number in numbers} == {0, 1, 2, 3, 4}
    cancelled = sum(record.ended is None for record in by_clients)  # perhaps before the endpoint saw them
    sent = len(replayed) + len(by_clients)
    assert sent - cancelled <= len(endpoint.asked) <= sent


def test_requests_under_way_are_told_without_an_end(endpoint: FakeEndpoint) -> None:
    endpoint.behaviour = does.hangs
    with a_fleet(endpoint, 1) as fleet:
        records = held(fleet, OpenPlan(parse_arrivals("constant"), 20.0, 1.0, SHAPE, "1"), 1.0)
    assert len(records) >= 15
    assert all(record.ended is None and record.error is None for record in records)


def test_a_client_is_free_once_its_answer_is_over_though_the_response_is_not(endpoint: FakeEndpoint) -> None:
    endpoint.behaviour = does.lingers
    with a_fleet(endpoint, 1) as fleet:
        records = held(fleet, ClosedPlan(1, SHAPE, "1"), 1.2)
    assert sum(record.answered for record in records) >= 10
    assert not any(record.error for record in records)


def test_a_client_uses_its_connection_again(endpoint: FakeEndpoint) -> None:
    with a_fleet(endpoint, 1) as fleet:
        records = held(fleet, ClosedPlan(1, SHAPE, "1"), 1.0)
    assert len(endpoint.transports) < len(records) / 4


def test_a_refused_client_pauses_as_long_as_in_the_simulator() -> None:
    assert PAUSE_AFTER_ERROR_SECONDS == RETRY_SECONDS


def test_a_client_that_was_refused_pauses(endpoint: FakeEndpoint) -> None:
    endpoint.behaviour = does.sheds
    with a_fleet(endpoint, 1) as fleet:
        records = held(fleet, ClosedPlan(1, SHAPE, "1"), 1.2)
    assert 1 <= len([record for record in records if record.error]) <= 3


def test_what_a_sender_told_before_it_died_is_kept(endpoint: FakeEndpoint) -> None:
    with a_fleet(endpoint) as fleet:
        fleet.begin(ClosedPlan(2, SHAPE, "1"))  # a client each
        while {record.number % 2 for record in fleet.told.ended} != {0, 1}:
            fleet.listen(0.1)
        told = len(fleet.told.ended)
        fleet._processes[1].kill()
        while not fleet.deaths:
            fleet.listen(0.1)
        records = fleet.stop()
    assert fleet.deaths == ["sender process 2 of 2 died (Killed): what it had under way is lost"]
    assert len(records) >= told
    assert {record.number % 2 for record in records} == {0, 1}


def test_a_stage_that_no_sender_lives_to_send_is_empty(endpoint: FakeEndpoint) -> None:
    with a_fleet(endpoint, 1) as fleet:
        fleet._processes[0].kill()
        fleet._processes[0].join()
        assert held(fleet, ClosedPlan(1, SHAPE, "1"), 0.5) == []
    assert len(fleet.deaths) == 1


def test_a_stage_under_which_a_sender_died_is_invalid(endpoint: FakeEndpoint) -> None:
    with a_fleet(endpoint, 1) as fleet:

        def kill_one(progress: Progress) -> None:
            if progress.answered and progress.elapsed_seconds > 1:
                fleet._processes[0].kill()

        holder = Holder(fleet, None, 10.0, kill_one, lambda: bool(fleet.deaths))
        stage = measure(holder.hold(ClosedLoop(clients=1), ClosedPlan(1, SHAPE, "1"), 3600.0), None)
    assert fleet.deaths
    assert stage.invalid[-1:] == fleet.deaths


def test_a_sender_that_hangs_is_ended(endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet_module, "_MOST_SILENCE_SECONDS", 2.0)
    with a_fleet(endpoint) as fleet:

        def stop_one(progress: Progress) -> None:
            if not fleet.deaths:
                os.kill(fleet._processes[1].pid or 0, signal.SIGSTOP)

        holder = Holder(fleet, None, 10.0, stop_one, lambda: bool(fleet.deaths))
        stage = measure(holder.hold(ClosedLoop(clients=2), ClosedPlan(2, SHAPE, "1"), 3600.0), None)
    assert stage.invalid[-1] == fleet.deaths[0]
    assert re.match(r"sender process 2 of 2 hung, with no word for 2 s, and was ended", fleet.deaths[0])


def test_a_sender_that_hangs_when_its_stage_ends_is_ended(
    endpoint: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet_module, "_MOST_SILENCE_SECONDS", 1.0)
    with a_fleet(endpoint) as fleet:
        fleet.begin(ClosedPlan(2, SHAPE, "1"))
        os.kill(fleet._processes[0].pid or 0, signal.SIGSTOP)
        fleet.stop()
        assert len(fleet.deaths) == 1


@pytest.mark.parametrize("load", ["closed", "open"])
def test_a_sender_that_stands_still_for_a_while_makes_its_stage_invalid(
    endpoint: FakeEndpoint, load: str
) -> None:
    # The open loop has nothing to send in this while, nor after it: what it would have heard late counts.
    plans: dict[str, Plan] = {
        "closed": ClosedPlan(1, SHAPE, "1"),
        "open": ReplayPlan((Request(0, 5, 3, 0.0),)),
    }
    with a_fleet(endpoint, 1) as fleet:
        pid = fleet._processes[0].pid or 0

        def stop_for_a_while(progress: Progress) -> None:
            os.kill(pid, signal.SIGSTOP if 0.5 < progress.elapsed_seconds < 1.0 else signal.SIGCONT)

        holder = Holder(fleet, None, 10.0, stop_for_a_while, lambda: False)
        stage = measure(holder.hold(ClosedLoop(clients=1), plans[load], 2.0), None, warm_up_seconds=0.0)
    assert stage.client.loop_lag_p99_seconds > 0.1
    assert "for 1 % of the time a sender took what came" in stage.invalid[0]


def test_the_load_goes_on_until_the_requests_of_the_window_are_decided(endpoint: FakeEndpoint) -> None:
    endpoint.behaviour = does.hangs
    with a_fleet(endpoint, 1) as fleet:
        holder = Holder(fleet, parse_slo("ttft.p95=500ms,itl.p95=10ms"), 10.0, lambda _: None, lambda: False)
        stage = holder.hold(ClosedLoop(clients=1), ClosedPlan(1, SHAPE, "1"), 1.0)
    assert stage.end == pytest.approx(1.0, abs=0.05)
    assert 1.5 <= stage.taken <= 4


def test_an_interruption_ends_a_stage_early(endpoint: FakeEndpoint) -> None:
    with a_fleet(endpoint, 1) as fleet:
        holder = Holder(fleet, None, 10.0, lambda _: None, lambda: fleet.now() > 0.6)
        stage = holder.hold(ClosedLoop(clients=1), ClosedPlan(1, SHAPE, "1"), 3600.0)
    assert 0.6 <= stage.end <= 3
    assert stage.records


@pytest.mark.parametrize(
    ("slo", "tokens", "seconds"),
    [
        ("ttft.p95=1s,itl.p95=50ms", 101, 6.0),
        ("ttft.p95=1s,itl.p95=50ms", 1, 1.0),
        ("e2e.p95=4s,ttft.p95=1s,itl.p95=50ms", 101, 4.0),
        ("ttft.p95=1s", 101, float("inf")),
        ("itl.p95=50ms", 101, float("inf")),
    ],
)
def test_a_good_request_is_over_by_then(slo: str, tokens: int, seconds: float) -> None:
    assert longest_good_seconds(parse_slo(slo), tokens) == pytest.approx(seconds)
