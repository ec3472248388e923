"""The capacity search on a real endpoint: a short closed-loop probe for a first guess, then its stages."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from setpoint.loadgen.capacity import Trial, conclude, next_rate
from setpoint.loadgen.evidence import LOOKS, Verdict, judge, least_requests
from setpoint.loadgen.hold import Holder, Look
from setpoint.loadgen.measure import Held, measure
from setpoint.loadgen.plan import ClosedPlan, OpenPlan
from setpoint.loadgen.report import Capacity, ClosedLoop, OpenLoop, Stage
from setpoint.workload.arrivals import Arrivals
from setpoint.workload.draws import Shape
from setpoint.workload.objectives import Slo

_PROBE_CLIENTS = (1, 4, 16, 64, 256)
_PROBE_SHARE = 1 / 15
"""Of the longest stage: how long the probe holds each number of clients."""
_SHARE_OF_CLOSED_LOOP = 0.8
"""Of its throughput is tried first: clients that wait never leave the engine idle, arrivals by chance do."""
_LEAST_RATE = 0.1
_LEAST_GAIN = 1.1
"""More clients that bring less throughput than this only wait."""


@dataclass(frozen=True, slots=True)
class Searched:
    """What a search found, and every stage it held."""

    stages: list[Stage] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    """The records behind each stage."""
    trials: list[Trial] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    """The index of each trial's stage."""

    @property
    def capacity(self) -> Capacity:
        """What the trials show so far."""
        return conclude(self.trials, self.at)


@dataclass(frozen=True, slots=True)
class CapacityPlan:
    """What is searched for, and by what load."""

    slo: Slo
    shape: Shape
    arrivals: Arrivals
    arrivals_text: str
    """As on the command line."""
    seed: str
    longest_stage_seconds: float


@dataclass(frozen=True, slots=True)
class Search:
    """A search for the sustainable rate under an SLO."""

    holder: Holder
    plan: CapacityPlan
    tell: Callable[[Stage], None]

    def run(self) -> Searched:
        """Search until the bracket is narrow, the trials are used up, or it is interrupted."""
        found = Searched()
        start = self._probe(found)
        least = least_requests(self.plan.slo) / self.plan.longest_stage_seconds
        while not self.holder.interrupted() and (rate := next_rate(found.trials, start, least)) is not None:
            verdict, held = self._try(rate)
            at, stage = len(found.stages), self._keep(found, held)
            if stage and not self.holder.interrupted():
                found.at.append(at)
                found.trials.append(Trial(rate, verdict, client_slow=bool(stage.invalid)))
        return found

    def _probe(self, found: Searched) -> float:
        """Return a first guess, from the last clients that kept the promise and the first that did not."""
        best = 0.0
        for clients in _PROBE_CLIENTS:
            plan = ClosedPlan(clients, self.plan.shape, f"{self.plan.seed}/probe/{clients}")
            held = self.holder.hold(
                ClosedLoop(clients=clients), plan, self.plan.longest_stage_seconds * _PROBE_SHARE
            )
            stage = self._keep(found, held, probe=True)
            throughput = stage.requests_per_second.value if stage else 0.0
            if not (stage and stage.slo_met) or throughput < best * _LEAST_GAIN or self.holder.interrupted():
                between = math.sqrt((best or throughput / 4) * max(best, throughput))
                return max(between, _LEAST_RATE) * _SHARE_OF_CLOSED_LOOP
            best = throughput
        return best * _SHARE_OF_CLOSED_LOOP

    def _keep(self, found: Searched, held: Held, *, probe: bool = False) -> Stage | None:
        if not held.is_worth_a_figure(None):
            return None
        stage = measure(held, self.plan.slo, probe=probe)
        found.stages.append(stage)
        found.held.append(held)
        self.tell(stage)
        return stage

    def _try(self, rate: float) -> tuple[Verdict, Held]:
        verdicts = [Verdict.UNCLEAR]

        def look_at(share: float) -> Look:
            def is_decided(held: Held) -> bool:
                verdicts.append(judge(held, self.plan.slo, share))
                return verdicts[-1] is not Verdict.UNCLEAR

            return Look(share * self.plan.longest_stage_seconds, is_decided)

        plan = OpenPlan(
            self.plan.arrivals,
            rate,
            self.plan.longest_stage_seconds,
            self.plan.shape,
            f"{self.plan.seed}/{rate}",
        )
        load = OpenLoop(rate_per_second=rate, arrivals=self.plan.arrivals_text)
        held = self.holder.hold(
            load, plan, self.plan.longest_stage_seconds, [look_at(share) for share in LOOKS[:-1]]
        )
        decided = verdicts[-1]
        return (judge(held, self.plan.slo, LOOKS[-1]) if decided is Verdict.UNCLEAR else decided), held
