"""The capacity search against an engine whose sustainable rate can be known: a simulated H100.

`python -m benchmarks.loadgen.capacity` searches for several settings and SLOs, in virtual time, with other
seeds each time, and holds each bracket against the rate that long stages show. It writes capacity.json beside
this file: how often the bracket held it, how wide it was, and how many minutes a real search would take.
"""

import json
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import cast

from setpoint.loadgen.hold import Holder, Look
from setpoint.loadgen.machine import machine
from setpoint.loadgen.measure import Held, Load
from setpoint.loadgen.plan import ClosedPlan, OpenPlan, Plan
from setpoint.loadgen.plan import Request as Planned
from setpoint.loadgen.promise import share_kept
from setpoint.loadgen.records import Record
from setpoint.loadgen.report import OpenLoop
from setpoint.loadgen.search import CapacityPlan, Search
from setpoint.loadgen.window import Window
from setpoint.simulator.engine import Engine
from setpoint.simulator.gpus import gpu
from setpoint.simulator.limits import EngineConfig
from setpoint.simulator.memory import kv_cache_blocks
from setpoint.simulator.model import ModelShape
from setpoint.simulator.parameters import built_in
from setpoint.simulator.request import Request
from setpoint.simulator.steptime import StepTime
from setpoint.workload.arrivals import parse_arrivals
from setpoint.workload.draws import Shape
from setpoint.workload.lengths import Uniform
from setpoint.workload.objectives import Slo, parse_slo

CONFIG = Path(__file__).parents[1] / "data" / "h100-llama8b-config.json"
RESULTS = Path(__file__).with_name("capacity.json")
CHAT = Shape(Uniform(256, 768), Uniform(64, 192))
POISSON = parse_arrivals("poisson")
LONGEST_STAGE_SECONDS = 180.0
SEARCHES = 6
TRUTH_SECONDS, TRUTH_SEEDS = 600.0, (101, 102, 103)
CASES = (
    (256, 512, "itl.p95=30ms,ttft.p95=1s"),
    (256, 2048, "itl.p95=60ms,ttft.p95=1s"),
    (256, 8192, "itl.p95=50ms,ttft.p95=1s"),
)


@dataclass
class SimulatedHolder:
    """Holds loads on a fresh engine each, in virtual time."""

    max_num_seqs: int
    max_num_batched_tokens: int
    seconds: list[float] = field(default_factory=list)

    def engine(self) -> Engine:
        """An H100 with the 8B model of the measured tables."""
        shape, card = ModelShape.from_config(json.loads(CONFIG.read_text())), gpu("H100")
        blocks = kv_cache_blocks(shape, card, self.max_num_batched_tokens)
        config = EngineConfig(blocks, 8192, self.max_num_seqs, self.max_num_batched_tokens)
        return Engine(config, StepTime(built_in("H100"), card, shape, self.max_num_seqs))

    def hold(self, load: Load, plan: Plan, duration_seconds: float, looks: Sequence[Look] = ()) -> Held:
        """As `Holder.hold`."""
        play = _Play(self.engine(), plan)
        for look in (*looks, Look(duration_seconds, lambda _: True)):
            play.run_until(look.at_seconds)
            held = Held(load, play.records(), look.at_seconds, look.at_seconds)
            if look.is_decided(held):
                break
        self.seconds.append(held.end)
        return held

    def interrupted(self) -> bool:
        """Never."""
        return False


class _Play:
    """One load on one engine, seen token by token."""

    def __init__(self, engine: Engine, plan: Plan) -> None:
        self._engine = engine
        self._ends = array("d")
        """When each step ended."""
        self._first: dict[Request, int] = {}
        """The step that brought the first token."""
        self._done: list[Record] = []
        self._open: dict[Request, Record] = {}
        self._client_of: dict[Request, Iterator[Planned]] = {}
        self._requests: Iterator[Planned] = iter(())
        if isinstance(plan, ClosedPlan):
            for client in range(plan.clients):
                self._submit_next(plan.requests(client), 0.0)
        else:
            self._requests = plan.requests()
        self._pending = next(self._requests, None)

    def run_until(self, seconds: float) -> None:
        """Play up to a moment."""
        while True:
            arrival = self._pending.scheduled if self._pending else float("inf")
            if min(arrival, self._engine.step_ends_seconds) > seconds:
                return
            if self._pending and arrival <= self._engine.step_ends_seconds:
                self._submit(self._pending, arrival)
                self._pending = next(self._requests, None)
            else:
                self._advance()

    def records(self) -> list[Record]:
        """All requests, those under way as far as they have come."""
        under_way = []
        for request, record in self._open.items():
            arrivals = self._ends[self._first[request] :] if request in self._first else array("d")
            under_way.append(
                Record(record.number, record.scheduled, record.sent, request.output_tokens, arrivals)
            )
        return self._done + under_way

    def _submit(self, planned: Planned, now: float) -> Request:
        request = Request(planned.prompt_tokens, planned.output_tokens)
        self._engine.submit(request, now)
        self._open[request] = Record(planned.number, now, now, planned.output_tokens)
        return request

    def _submit_next(self, client: Iterator[Planned], now: float) -> None:
        self._client_of[self._submit(next(client), now)] = client

    def _advance(self) -> None:
        step = self._engine.advance()
        assert not step.preempted, "tokens are counted by steps: choose a load that fits the KV cache"
        self._first.update(dict.fromkeys(step.first_tokens, len(self._ends)))
        self._ends.append(step.ended_seconds)
        for request in step.finished:
            first = self._first.pop(request)
            record = self._open.pop(request)
            record.arrivals = self._ends[first : first + request.output_tokens]
            record.ended = step.ended_seconds
            assert record.ended == record.arrivals[-1]
            record.prompt_tokens, record.output_tokens = request.prompt_tokens, request.output_tokens
            self._done.append(record)
            if client := self._client_of.pop(request, None):
                self._submit_next(client, step.ended_seconds)


def keeps(holder: SimulatedHolder, slo: Slo, rate: float) -> bool:
    """Whether the promise holds in long stages, all of them taken together."""
    load, window = OpenLoop(rate_per_second=rate, arrivals="poisson"), Window(60.0, TRUTH_SECONDS)
    plans = [OpenPlan(POISSON, rate, TRUTH_SECONDS, CHAT, f"truth/{seed}") for seed in TRUTH_SEEDS]
    stages = [holder.hold(load, plan, TRUTH_SECONDS) for plan in plans]
    return all(
        fmean(
            share.value if (share := share_kept(objective, held.records, window, TRUTH_SECONDS)) else 0.0
            for held in stages
        )
        >= objective.percentile / 100
        for objective in slo.objectives
    )


def sustainable_rate(holder: SimulatedHolder, slo: Slo) -> tuple[float, float]:
    """Two rates, 1 % apart: long stages keep the promise at the first and break it at the second."""
    low, high = 10.0, 80.0
    while high / low > 1.01:
        middle = (low * high) ** 0.5
        low, high = (middle, high) if keeps(holder, slo, middle) else (low, middle)
    return low, high


def main() -> None:
    """Search, compare, write."""
    results = []
    for max_num_seqs, max_num_batched_tokens, text in CASES:
        slo = parse_slo(text)
        truth = sustainable_rate(SimulatedHolder(max_num_seqs, max_num_batched_tokens), slo)
        brackets, minutes = [], []
        for seed in range(SEARCHES):
            holder = SimulatedHolder(max_num_seqs, max_num_batched_tokens)
            plan = CapacityPlan(slo, CHAT, POISSON, "poisson", str(seed), LONGEST_STAGE_SECONDS)
            found = Search(cast("Holder", holder), plan, lambda _: None).run().capacity.rate_per_second
            minutes.append(sum(holder.seconds) / 60)
            brackets.append((round(found.low, 2), round(found.high, 2)) if found else None)
            print(text, truth, brackets[-1], round(minutes[-1], 1), flush=True)
        told = [bracket for bracket in brackets if bracket]
        results.append(
            {
                "max_num_seqs": max_num_seqs,
                "max_num_batched_tokens": max_num_batched_tokens,
                "slo": text,
                "sustainable_rate": [round(rate, 2) for rate in truth],
                "brackets": brackets,
                "held": sum(low <= truth[1] and truth[0] <= high for low, high in told),
                "farthest_above": round(max(low / truth[1] for low, _ in told), 3),
                "mean_width": round(sum(high / low for low, high in told) / len(told), 3),
                "mean_minutes": round(sum(minutes) / len(minutes), 1),
            }
        )
        date = datetime.now(UTC).date().isoformat()
        RESULTS.write_text(
            json.dumps({"date": date, "machine": machine(), "cases": results}, indent=2) + "\n"
        )


if __name__ == "__main__":
    main()
