"""A service of simulated engines in virtual time, read and steered as a real one is, every few seconds."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from setpoint.signals.reading import Counters, Judged, RankLimits, Reading, Steps, cumulative
from setpoint.simulator.engine import Engine
from setpoint.simulator.experiment import OpenLoop, Requests, Service, arriving
from setpoint.simulator.limits import Limits
from setpoint.simulator.play import Play, Sent
from setpoint.simulator.record import Answer, Record
from setpoint.simulator.replica import Replica
from setpoint.simulator.step import Step
from setpoint.tuner.knobs import Start
from setpoint.tuner.limits_file import limits_file
from setpoint.tuner.promise import Objective
from setpoint.tuner.state import Decision, Observation, Settings, State
from setpoint.tuner.tuner import decide
from setpoint.workload.arrivals import Arrivals, parse_arrivals
from setpoint_vllm.limits_file import Latency, Limit, parse
from setpoint_vllm.step_times import EDGES


@dataclass(frozen=True)
class Phase:
    """A part of a load: so many requests a second for so long."""

    duration_seconds: float
    rate_per_second: float


def sent(phases: Sequence[Phase], requests: Requests, seed: int, block_size: int) -> Iterator[Sent]:
    """Yield what clients send through the phases, Poisson, in the order of time."""
    start = 0.0
    poisson: Arrivals = parse_arrivals("poisson")
    for number, phase in enumerate(phases):
        load = OpenLoop(phase.rate_per_second, poisson)
        drawn = arriving(load, requests, phase.duration_seconds, f"{seed} {number}", block_size)
        yield from ((start + offset, request) for offset, request in drawn)
        start += phase.duration_seconds


class VirtualEngine:
    """One engine whose counters are those that vLLM and the plugin would show."""

    def __init__(self, service: Service) -> None:
        self.engine = Engine(service.config, self._step_seconds)
        self.engine.set_limits(service.limits)
        self._service_step_seconds = service.step_seconds
        self._start = Start(service.limits.max_num_scheduled_tokens, service.limits.max_num_active_seqs)
        self._generation = 0
        self._writer = ""
        self.steps = 0.0
        self.step_tokens = 0.0
        self.prompt_tokens = 0.0
        self.generation_tokens = 0.0
        self.steps_by_size = dict.fromkeys((*map(float, EDGES), math.inf), Steps())

    def _step_seconds(self, step: Step) -> float:
        prompts = sum(request.prompt_tokens for request in step.completing)
        tokens = prompts + step.generated
        self.steps += 1
        self.step_tokens += tokens
        self.prompt_tokens += prompts
        self.generation_tokens += step.generated
        seconds = self._service_step_seconds(step)
        size = next(each for each in self.steps_by_size if step.tokens <= each)
        self.steps_by_size[size] = self.steps_by_size[size].plus(Steps(1, seconds, step.tokens))
        return seconds

    def tell(self, now: float, state: State, settings: Settings) -> None:
        """Put what is wanted into force, by the plugin's own reading of the limits file, lease and all."""
        file = parse(limits_file(state, settings, self._start))
        wanted = file.wanted(now)
        self._generation, self._writer = file.generation, file.writer
        self.engine.set_limits(
            Limits(
                wanted.get(Limit.SEQS, self._start.seqs),
                wanted.get(Limit.TOKENS, self._start.tokens),
                max_num_queued_tokens=wanted.get(Limit.QUEUED_TOKENS),
            )
        )

    def rank(self) -> RankLimits:
        """What the plugin would show."""
        in_force = self.engine.scheduler.limits
        shown = {Limit.TOKENS: in_force.max_num_scheduled_tokens, Limit.SEQS: in_force.max_num_active_seqs}
        if in_force.max_num_queued_tokens is not None:
            shown[Limit.QUEUED_TOKENS] = in_force.max_num_queued_tokens
        start = {Limit.TOKENS: self._start.tokens, Limit.SEQS: self._start.seqs}
        return RankLimits(self._generation, self._writer, shown, start)


@dataclass
class Verdicts:
    """What all clients together saw so far, held against the objectives."""

    objectives: Sequence[Objective]
    judged: dict[str, Judged] = field(default_factory=dict)
    good: float = 0.0
    late: float = 0.0
    _seen: list[int] = field(default_factory=lambda: [0, 0, 0])

    def follow(self, record: Record) -> None:
        """Judge what has come since."""
        firsts, gaps = record.first_tokens, record.gaps
        answers = record.answers_since(self._seen[2])
        for each in self.objectives:
            first = each.latency is Latency.TTFT
            latencies = (
                ((ttft, 1) for _, ttft in firsts[self._seen[0] :])
                if first
                else ((gap, number) for _, gap, number in gaps[self._seen[1] :])
            )
            good = bad = 0
            for seconds, number in latencies:
                if seconds <= each.threshold_seconds:
                    good += number
                else:
                    bad += number
            before = self.judged.get(each.name, Judged())
            self.judged[each.name] = before + Judged(good, bad)
        good = sum(is_good(each, self.objectives) for each in answers)
        self.good += good
        self.late += len(answers) - good
        self._seen = [len(firsts), len(gaps), self._seen[2] + len(answers)]


def is_good(answer: Answer, objectives: Sequence[Objective]) -> bool:
    """Whether a request met every objective itself."""
    seen = {Latency.TTFT: answer.ttft_seconds, Latency.ITL: answer.mean_itl_seconds}
    return all(seen[each.latency] <= each.threshold_seconds for each in objectives)


@dataclass(frozen=True)
class Run:
    """What one run came to."""

    record: Record
    offered: tuple[float, ...]
    """When requests were sent."""
    decisions: tuple[tuple[float, Decision], ...]
    objectives: tuple[Objective, ...]

    def bad(self, window_seconds: float) -> list[int]:
        """Return how many of each window's requests were not good: late, shed, or never answered."""
        end = max(self.offered)
        bad = [0] * (int(end // window_seconds) + 1)
        for seconds in self.offered:
            bad[int(seconds // window_seconds)] += 1
        for each in self.record.answers:
            if is_good(each, self.objectives):
                bad[int(each.sent_seconds // window_seconds)] -= 1
        return bad


def run(
    service: Service,
    phases: Sequence[Phase],
    requests: Requests,
    settings: Settings,
    seed: int,
    *,
    cycle_seconds: float = 5.0,
    drain_seconds: float = 60.0,
    is_blind: Callable[[float], bool] = lambda _: False,
    see: Callable[[Mapping[str, Reading]], None] = lambda _: None,
) -> Run:
    """Let the tuner steer the service under the load, and return what came of it.

    While it `is_blind` no engine can be read; `see` is given all that could be.
    """
    engines = [VirtualEngine(service) for _ in range(service.replicas)]
    replicas = [Replica(each.engine, service.parameters) for each in engines]
    play = Play(replicas, service.parameters.network_seconds, service.router)
    load = list(sent(phases, requests, seed, service.config.block_size))
    play.send(load)
    verdicts = Verdicts(settings.objectives)
    state, decisions = State(), []
    end = sum(each.duration_seconds for each in phases) + drain_seconds
    now = cycle_seconds
    while now < end:
        play.run_until(now)
        verdicts.follow(play.record)
        readings = _readings(now, engines, verdicts, play.record)
        see(readings)
        observation = Observation(now, readings, told_generation=state.generation)
        if is_blind(now):
            observation = Observation(now, {}, dict.fromkeys(readings, "no answer"), state.generation)
        decision, state = decide(observation, state, settings)
        decisions.append((now, decision))
        for each in engines:
            each.tell(now, state, settings)
        now += cycle_seconds
    return Run(play.record, tuple(each[0] for each in load), tuple(decisions), settings.objectives)


def _readings(
    now: float, engines: Sequence[VirtualEngine], verdicts: Verdicts, record: Record
) -> Mapping[str, Reading]:
    """Verdicts are pooled over replicas here, as they are later: the first replica shows them all."""
    readings = {}
    for number, each in enumerate(engines):
        scheduler = each.engine.scheduler
        counters = Counters(
            prompt_tokens=each.prompt_tokens,
            generation_tokens=each.generation_tokens,
            preemptions=scheduler.preemptions,
            steps=each.steps,
            step_tokens=each.step_tokens,
            steps_by_tokens=cumulative(each.steps_by_size),
            steps_by_size=dict(each.steps_by_size),
        )
        if number == 0:
            counters = replace(
                counters,
                good=verdicts.good,
                late=verdicts.late,
                shed=float(len(record.shed)),
                judged=dict(verdicts.judged),
            )
        readings[f"engine-{number}"] = Reading(
            at_seconds=now,
            counters=counters,
            running=len(scheduler.running),
            waiting=len(scheduler.waiting),
            kv_cache_usage=1 - scheduler.blocks.free / scheduler.blocks.total,
            ranks={"0": each.rank()},
            supported=True,
        )
    return readings


def changes(run: Run) -> list[str]:
    """Return a line for each change that the tuner made, or would have made."""
    return list(
        chain.from_iterable(
            [f"{now:6.0f} s {each.change.policy} {each.change.after} {each.change.cause}"]
            for now, each in run.decisions
            if each.change
        )
    )
