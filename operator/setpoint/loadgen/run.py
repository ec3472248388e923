"""A whole load test: look at the endpoint, hold each load, report."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from setpoint.loadgen.client import Endpoint
from setpoint.loadgen.fleet import Fleet, sender_count
from setpoint.loadgen.hold import Holder, Progress
from setpoint.loadgen.machine import machine
from setpoint.loadgen.measure import Held, Load, measure
from setpoint.loadgen.plan import Plan
from setpoint.loadgen.preflight import preflight
from setpoint.loadgen.prompts import Prompts
from setpoint.loadgen.report import Capacity, Report, Stage, Target, Workload
from setpoint.loadgen.search import CapacityPlan, Search
from setpoint.workload.objectives import ItlRule, Slo


@dataclass(frozen=True, slots=True)
class StagePlan:
    """One load to be held."""

    load: Load
    plan: Plan
    duration_seconds: float


@dataclass(frozen=True, slots=True)
class LoadTest:
    """Everything a load test is asked for; the texts are as on the command line."""

    endpoint: Endpoint
    prompts: Prompts
    tokenizer: bool
    """Whether the words of the prompts are of the model's tokenizer."""
    stages: Sequence[StagePlan]
    search: CapacityPlan | None
    prompt_tokens: str
    output_tokens: str
    seed: int
    warm_up_seconds: float | None
    timeout_seconds: float
    slo: Slo | None
    slo_text: str | None
    settings: dict[str, str]
    setpoint_version: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who watches a load test."""

    note: Callable[[str], None]
    progress: Callable[[Progress], None]
    stage: Callable[[Stage], None]
    interrupted: Callable[[], bool]


def run(test: LoadTest, watcher: Watcher) -> tuple[Report, list[Held]]:
    """Return the report and the records behind its stages. Raises EndpointError."""
    begin, started_at = time.monotonic(), datetime.now(UTC)
    ready = asyncio.run(
        preflight(test.endpoint, test.prompts, tokenizer=test.tokenizer, timeout_seconds=test.timeout_seconds)
    )
    notes = [*test.notes, *ready.notes]
    for note in notes:
        watcher.note(note)
    stages: list[Stage] = []
    all_held: list[Held] = []
    capacity: Capacity | None = None
    with Fleet(sender_count(), ready.endpoint, ready.prompts, test.timeout_seconds) as fleet:

        def is_cut_short() -> bool:
            return watcher.interrupted() or bool(fleet.deaths)

        holder = Holder(fleet, test.slo, test.timeout_seconds, watcher.progress, is_cut_short)
        for each in test.stages:
            if is_cut_short():
                break
            held = holder.hold(each.load, each.plan, each.duration_seconds)
            if held.is_worth_a_figure(test.warm_up_seconds):
                all_held.append(held)
                stages.append(measure(held, test.slo, test.warm_up_seconds))
                watcher.stage(stages[-1])
        if test.search and not is_cut_short():
            found = Search(holder, test.search, watcher.stage).run()
            stages += found.stages
            all_held += found.held
            capacity = found.capacity
        complete = not is_cut_short()
    for death in fleet.deaths:
        notes.append(death)
        watcher.note(death)
    report = Report(
        setpoint_version=test.setpoint_version,
        started_at=started_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        duration_seconds=time.monotonic() - begin,
        complete=complete,
        machine=machine(),
        target=Target(
            url=test.endpoint.url, model=test.endpoint.model, engine=ready.engine, settings=test.settings
        ),
        workload=Workload(
            api=test.endpoint.api,
            prompt_tokens=test.prompt_tokens,
            output_tokens=test.output_tokens,
            shared_prefix=test.prompts.shared_prefix,
            seed=test.seed,
            token_counts=ready.token_counts,
        ),
        slo=test.slo_text,
        itl_rule="every-gap" if test.slo and test.slo.itl_rule is ItlRule.EVERY_GAP else "mean",
        stages=stages,
        capacity=capacity,
        notes=notes,
    )
    return report, all_held
