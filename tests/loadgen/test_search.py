from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from setpoint.loadgen.hold import Holder, Look
from setpoint.loadgen.measure import Held, Load
from setpoint.loadgen.plan import Plan
from setpoint.loadgen.report import ClosedLoop, OpenLoop
from setpoint.loadgen.search import CapacityPlan, Search, Searched
from setpoint.workload.arrivals import parse_arrivals
from setpoint.workload.draws import Shape
from setpoint.workload.lengths import Uniform
from setpoint.workload.objectives import parse_slo
from tests.loadgen.builders import a_record, held, queue

SLO = parse_slo("ttft.p95=500ms")


@dataclass
class QueueHolder:
    """Holds loads on a made-up server of one request at a time, in no time."""

    service_seconds: float = 0.1
    interrupt_after: int = 1000
    late: bool = False
    seconds: list[float] = field(default_factory=list)

    def hold(self, load: Load, plan: Plan, duration_seconds: float, looks: Sequence[Look] = ()) -> Held:  # noqa: ARG002
        for look in (*looks, Look(duration_seconds, lambda _: True)):
            stage = self._stage(load, look.at_seconds)
            if look.is_decided(stage):
                break
        self.seconds.append(look.at_seconds)
        return stage

    def _stage(self, load: Load, end: float) -> Held:
        if isinstance(load, ClosedLoop):
            each = self.service_seconds * load.clients
            number = int(end / self.service_seconds)
            records = [
                a_record(n, max(0.0, n * self.service_seconds - each), ttft=each, gaps=())
                for n in range(number)
            ]
        else:
            records = queue(load.rate_per_second, self.service_seconds, end, len(self.seconds))
        for record in records if self.late else ():
            record.sent += 1.0
        return held(records, end, load=load, taken=end)

    def interrupted(self) -> bool:
        return len(self.seconds) >= self.interrupt_after


def search(holder: QueueHolder) -> Searched:
    shape = Shape(Uniform(1, 1), Uniform(1, 1))
    plan = CapacityPlan(SLO, shape, parse_arrivals("poisson"), "poisson", "1", 180.0)
    return Search(cast("Holder", holder), plan, lambda _: None).run()


def test_a_search_needs_no_first_guess() -> None:
    found = search(QueueHolder())
    estimate = found.capacity.rate_per_second
    assert estimate
    assert estimate.low <= 6.9 <= estimate.high


def test_a_search_scales_with_the_endpoint() -> None:
    holder = QueueHolder(service_seconds=0.03)
    found = search(holder)
    estimate = found.capacity.rate_per_second
    assert estimate
    assert 23 < estimate.low < estimate.high < 37  # the server does 33 a second
    assert sum(holder.seconds) < 20 * 60


def test_the_result_names_the_stages_it_stands_on() -> None:
    found = search(QueueHolder())
    capacity = found.capacity
    assert len(capacity.stages) == len(capacity.verdicts) == len(found.trials)
    for index, trial in zip(capacity.stages, found.trials, strict=True):
        load = found.stages[index].load
        assert isinstance(load, OpenLoop)
        assert load.rate_per_second == trial.rate_per_second
    assert len(found.held) == len(found.stages)


def test_the_stages_of_the_first_guess_are_marked() -> None:
    found = search(QueueHolder())
    assert [stage.probe for stage in found.stages] == [
        isinstance(stage.load, ClosedLoop) for stage in found.stages
    ]
    assert any(stage.probe for stage in found.stages)


def test_an_interrupted_search_tells_what_it_knows() -> None:
    found = search(QueueHolder(interrupt_after=3))
    assert (len(found.stages), len(found.trials)) == (3, 0)
    assert "cannot tell" in found.capacity.told


def test_a_slow_client_leaves_no_upper_bound() -> None:
    capacity = search(QueueHolder(late=True)).capacity
    assert capacity.rate_per_second is None
    assert "the client was the bottleneck" in capacity.told
