"""An hour as it goes by: load, engines, faults, Prometheus, and an operator that looks every 15 seconds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from random import Random

from benchmarks.adversary.engines import LivingEngine
from benchmarks.adversary.faults import HOUR_SECONDS, SLOWNESS, Fault, Kind
from benchmarks.adversary.hour import Hour
from benchmarks.adversary.operator import Operator
from benchmarks.adversary.pods import lives, router
from benchmarks.virtual.load import sent
from benchmarks.virtual.services import service
from benchmarks.virtual.verdicts import is_good
from setpoint.signals.reading import Reading
from setpoint.simulator.play import Sent
from setpoint.tuner.limits_file import rendered
from setpoint.tuner.record import Record
from setpoint.tuner.state import Mode, Observation, Settings
from setpoint_vllm.limits_file import Limit, parse

TICK_SECONDS = 5.0
LOOK_TICKS = 3
"""The operator looks, and Prometheus scrapes, each 15 s; not every engine at the same moment."""
DRAIN_SECONDS = 120.0
LATEST_KUBELET_SECONDS = 90.0
WRITER, FOREIGN_WRITER = "adversary", "somebody else"
FOREIGN_GENERATIONS = 1000
"""By so much a foreign file's generation is higher."""
FOREIGN_TOKENS = 1024


@dataclass
class Seen:
    """What came of an hour under one mode."""

    offered: list[float] = field(default_factory=list)
    """When requests were sent."""
    good: list[float] = field(default_factory=list)
    """When those were sent that kept every objective, as their clients saw it."""
    records: list[Record] = field(default_factory=list)
    """Every cycle of the tuner."""


def seen(
    hour: Hour, mode: Mode, *, plans: bool = True, end_seconds: float = HOUR_SECONDS + DRAIN_SECONDS
) -> Seen:
    """Let the hour go by, or its beginning, and return what came of it."""
    world = _World(hour, Settings(mode, hour.promise, writer=WRITER, plans=plans))
    for tick in range(1, int(end_seconds / TICK_SECONDS) + 1):
        world.pass_on(tick)
    return world.seen()


class _World:
    def __init__(self, hour: Hour, settings: Settings) -> None:
        self._hour = hour
        self._objectives = settings.objectives
        sequences, tokens = hour.hardware.batch_limits()
        engine = service(sequences=sequences, tokens=tokens, hardware=hour.hardware)
        self._operator = Operator(settings)
        self._highest = parse(self._operator.stands).generation
        found = lives(hour.replicas, hour.faults)
        self._engines = [LivingEngine(each, engine, settings.objectives) for each in found]
        self._route = router(found, hour.faults)
        drawn = sent(hour.phases, None, hour.seed, engine.config.block_size)
        self._load: Iterator[Sent] = iter(drawn)
        self._next: Sent | None = next(self._load, None)
        self._scraped: dict[str, Reading] = {}
        self._is_operator_gone = False
        self._seen = Seen()

    def seen(self) -> Seen:
        answers = chain.from_iterable(each.answers for each in self._engines)
        self._seen.good = [each.sent_seconds for each in answers if is_good(each, self._objectives)]
        return self._seen

    def pass_on(self, tick: int) -> None:
        """Let five seconds go by."""
        now = tick * TICK_SECONDS
        self._start_engines(now)
        self._send(now)
        for each in self._engines:
            is_slow = self._is_on(Kind.ENGINE_SLOW, now, each.life.pod)
            each.run_until(now, SLOWNESS if is_slow else 1.0)
        self._write_foreign(now)
        for each in self._engines:
            each.keep_to_what_came(now)
        self._scrape(tick, now)
        if tick % LOOK_TICKS == 0:
            self._look(now)

    def _is_on(self, kind: Kind, now: float, pod: str = "") -> bool:
        return any(each.is_on(kind, now, pod) for each in self._hour.faults)

    def _began(self, kind: Kind, now: float) -> list[Fault]:
        """Faults that have begun since the last tick."""
        return [
            each
            for each in self._hour.faults
            if each.kind is kind and now - TICK_SECONDS <= each.start_seconds < now
        ]

    def _start_engines(self, now: float) -> None:
        """An engine that starts reads the file that stands."""
        for each in self._engines:
            if now - TICK_SECONDS <= each.life.begins_seconds < now:
                each.told(self._operator.stands, each.life.begins_seconds)

    def _send(self, now: float) -> None:
        batches: dict[int, list[Sent]] = {}
        while self._next is not None and self._next[0] < now:
            at = self._next[0]
            self._seen.offered.append(at)
            number = self._route(at)
            if number is not None:
                batches.setdefault(number, []).append(self._next)
            self._next = next(self._load, None)
        for number, batch in batches.items():
            self._engines[number].send(batch)

    def _write_foreign(self, now: float) -> None:
        if self._began(Kind.FOREIGN_WRITER, now):
            self._highest += FOREIGN_GENERATIONS
            limits = {Limit.TOKENS: FOREIGN_TOKENS, Limit.SEQS: FOREIGN_TOKENS}
            text = rendered(self._highest, FOREIGN_WRITER, limits, self._objectives, expires_seconds=None)
            for each in self._engines:
                if each.life.begins_seconds < now:
                    each.told(text, now)

    def _scrape(self, tick: int, now: float) -> None:
        for number, each in enumerate(self._engines):
            if any(fault.pod == each.life.pod for fault in self._began(Kind.COUNTERS_RESET, now)):
                each.forget_counters(now)
            if (tick + number) % LOOK_TICKS or self._is_on(Kind.SAMPLES_STALE, now):
                continue
            if each.life.serves(now):
                self._scraped[each.life.pod] = each.scraped(now)
            elif each.life.begins_seconds < now < each.life.ready_seconds:
                self._scraped.pop(each.life.pod, None)  # a scrape that fails ends what was seen before

    def _look(self, now: float) -> None:
        is_gone = self._is_on(Kind.OPERATOR_RESTART, now) or self._is_on(Kind.OPERATOR_GONE, now)
        if is_gone:
            if not self._is_operator_gone:
                self._operator.start_anew()
            self._is_operator_gone = True
            return
        self._is_operator_gone = False
        is_foreign = self._is_on(Kind.FOREIGN_WRITER, now)
        may_write = not self._is_on(Kind.API_SERVER_GONE, now) and not is_foreign
        before = self._operator.stands
        record = self._operator.look(self._observation(now), may_write=may_write, highest=self._highest)
        self._seen.records.append(record)
        if self._operator.stands != before:
            self._tell(now, self._operator.stands)

    def _tell(self, now: float, text: str) -> None:
        generation = self._highest = parse(text).generation
        for number, each in enumerate(self._engines):
            late = 0.0
            if self._is_on(Kind.KUBELET_LATE, now):
                late = Random(f"{self._hour.seed} {number} {generation}").uniform(1, LATEST_KUBELET_SECONDS)
            if each.life.begins_seconds < now:
                each.told(text, now + late)

    def _observation(self, now: float) -> Observation:
        pods = [each.life.pod for each in self._engines if each.life.serves(now)]
        if self._is_on(Kind.PROMETHEUS_GONE, now):
            return Observation(now, {}, {"engines": "no answer"})
        unread = [
            pod for pod in pods if self._is_on(Kind.ENGINE_UNREAD, now, pod) or pod not in self._scraped
        ]
        return Observation(now, _of(pods, self._scraped, unread), dict.fromkeys(unread, "no sample"))


def _of(pods: Sequence[str], scraped: Mapping[str, Reading], unread: Sequence[str]) -> Mapping[str, Reading]:
    return {each: scraped[each] for each in pods if each not in unread}
