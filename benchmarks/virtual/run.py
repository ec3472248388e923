"""A service of simulated engines in virtual time, read and steered as a real one is, every few seconds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.virtual.engine import VirtualEngine
from benchmarks.virtual.load import Phase, sent
from benchmarks.virtual.steering import Steering
from benchmarks.virtual.verdicts import Verdicts, is_good
from setpoint.signals.reading import Reading
from setpoint.simulator.experiment import Requests, Service
from setpoint.simulator.play import Play
from setpoint.simulator.record import Record
from setpoint.simulator.replica import Replica
from setpoint.tuner.promise import Objective
from setpoint.tuner.state import Decision, Observation
from setpoint_vllm.limits_file import Limit

Wanted = Mapping[Limit, int]


@dataclass(frozen=True)
class Run:
    """What one run came to."""

    record: Record
    offered: tuple[float, ...]
    """When requests were sent."""
    decisions: tuple[tuple[float, Decision], ...]
    """What the tuner came to, and when; none where something else steers."""
    wanted: tuple[tuple[float, Wanted], ...]
    """What every engine was to keep to, and from when on: an entry for each change, the start's at 0."""
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
    requests: Requests | None,
    steering: Steering,
    seed: int,
    *,
    cycle_seconds: float = 5.0,
    drain_seconds: float = 60.0,
    ready_seconds: Sequence[float] = (),
    is_blind: Callable[[float], bool] = lambda _: False,
    see: Callable[[Mapping[str, Reading]], None] = lambda _: None,
) -> Run:
    """Let the service be steered under the load, and return what came of it.

    `requests` are those of phases without streams. `ready_seconds` says when each replica has started: at 0
    unless it is given. While the run `is_blind` no engine can be read; `see` is given all that could be.
    """
    ready_seconds = ready_seconds or (0.0,) * service.replicas
    engines = [VirtualEngine(service, ready) for ready in ready_seconds]
    replicas = [Replica(each.engine, service.parameters) for each in engines]
    play = Play(replicas, service.parameters.network_seconds, service.router)
    load = list(sent(phases, requests, seed, service.config.block_size))
    play.send(load)
    verdicts = Verdicts(steering.objectives)
    decisions = []
    wanted: list[tuple[float, Wanted]] = [(0.0, engines[0].rank().start)]
    end = sum(each.duration_seconds for each in phases) + drain_seconds
    now = cycle_seconds
    while now < end:
        play.run_until(now)
        verdicts.follow(play.record)
        readings = _readings(now, engines, verdicts, play.record)
        see(readings)
        observation = Observation(now, readings)
        if is_blind(now):
            observation = Observation(now, {}, dict.fromkeys(readings, "no answer"))
        told = steering.look(observation)
        if told.decision is not None:
            decisions.append((now, told.decision))
        for each in engines:
            wanted_now = each.tell(now, told.file_text)
        if wanted_now != wanted[-1][1]:
            wanted.append((now, wanted_now))
        now += cycle_seconds
    offered = tuple(seconds for seconds, _ in load)
    return Run(play.record, offered, tuple(decisions), tuple(wanted), tuple(steering.objectives))


def _readings(
    now: float, engines: Sequence[VirtualEngine], verdicts: Verdicts, record: Record
) -> Mapping[str, Reading]:
    """Verdicts are pooled over replicas here, as they are later: the first replica shows them all.

    One that still starts up cannot be read, and nobody misses it.
    """
    readings = {
        f"engine-{number}": each.reading(now)
        for number, each in enumerate(engines)
        if each.engine.ready_seconds <= now
    }
    if "engine-0" in readings:
        readings["engine-0"] = verdicts.shown_by(readings["engine-0"], len(record.shed))
    return readings
