"""What goes wrong in an hour, and how it is drawn.

Each fault is what the real thing does to the engines, or shows to the tuner:

- `PROMETHEUS_GONE`: no engine can be read (`controllers/tuning/controller.py`: every one is missing).
- `SAMPLES_STALE`: Prometheus answers, and scrapes nothing: the last sample of each engine grows old.
- `ENGINE_UNREAD`: an engine that serves is not scraped (a network policy, a broken ServiceMonitor).
- `COUNTERS_RESET`: an engine's counters begin anew and the engine goes on.
- `API_SERVER_GONE`: the operator's cycles go on and write nothing. The limits file stands as it was.
- `OPERATOR_RESTART`: no cycle for up to a minute; the state comes back from the TuningCheckpoint, without the
  window.
- `OPERATOR_GONE`: no cycle for 40 minutes, longer than a lease: engines double their limits by themselves.
- `KUBELET_LATE`: a limits file reaches each engine 1 to 90 s after it was written (`tuner/following.py`: what
  a kubelet misses comes with its next periodic sync); at other times within five seconds.
- `FOREIGN_WRITER`: somebody else's limits, of a higher generation, are what engines believe. At its end the
  operator outdoes them (docs/changes-by-hand.md).
- `ENGINE_RESTART`: what an engine had in hand is lost; it starts with the file that stands, and counts anew.
- `ENGINE_SLOW`: every step of one engine takes 1.5 times as long (a noisy neighbour, a clock throttled).
- `ROUTER_UNEVEN`: one engine gets twice as much as each other one.
- `SCALE_UP`, `SCALE_DOWN`: a replica comes, and serves once it has started; one drains, and is no longer
  asked.

Left out: what no virtual engine shows, such as a network that loses answers, a rank of several that fails, or
two operators at once.
"""

from dataclasses import dataclass
from enum import StrEnum
from random import Random

HOUR_SECONDS = 3600.0
SLOWNESS = 1.5
UNEVENNESS = 2.0


class Kind(StrEnum):
    """What goes wrong."""

    PROMETHEUS_GONE = "Prometheus gone"
    SAMPLES_STALE = "samples stale"
    ENGINE_UNREAD = "engine unread"
    COUNTERS_RESET = "counters reset"
    API_SERVER_GONE = "API server gone"
    OPERATOR_RESTART = "operator restart"
    OPERATOR_GONE = "operator gone"
    KUBELET_LATE = "kubelet late"
    FOREIGN_WRITER = "foreign writer"
    ENGINE_RESTART = "engine restart"
    ENGINE_SLOW = "engine slow"
    ROUTER_UNEVEN = "router uneven"
    SCALE_UP = "scale up"
    SCALE_DOWN = "scale down"


DURATIONS_SECONDS: dict[Kind, tuple[float, float]] = {
    Kind.PROMETHEUS_GONE: (30, 1200),
    Kind.SAMPLES_STALE: (60, 600),
    Kind.ENGINE_UNREAD: (30, 600),
    Kind.COUNTERS_RESET: (0, 0),
    Kind.API_SERVER_GONE: (60, 1200),
    Kind.OPERATOR_RESTART: (5, 60),
    Kind.OPERATOR_GONE: (2400, 2400),
    Kind.KUBELET_LATE: (300, 1800),
    Kind.FOREIGN_WRITER: (120, 600),
    Kind.ENGINE_RESTART: (30, 180),
    Kind.ENGINE_SLOW: (300, 1200),
    Kind.ROUTER_UNEVEN: (300, 1800),
    Kind.SCALE_UP: (60, 180),
    Kind.SCALE_DOWN: (0, 0),
}
"""How long each lasts, at least and at most; of a restart and a new replica, how long it starts up."""
_OF_ONE_ENGINE = {
    Kind.ENGINE_UNREAD, Kind.COUNTERS_RESET, Kind.ENGINE_RESTART, Kind.ENGINE_SLOW, Kind.ROUTER_UNEVEN,
    Kind.SCALE_DOWN,
}  # fmt: skip
_OF_SEVERAL_REPLICAS = {Kind.ROUTER_UNEVEN, Kind.SCALE_DOWN}


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong."""

    kind: Kind
    start_seconds: float
    duration_seconds: float
    pod: str = ""
    """Of one engine: whose."""

    def __str__(self) -> str:
        at = f"{self.start_seconds / 60:.1f}"
        if self.duration_seconds:
            at += f" to {(self.start_seconds + self.duration_seconds) / 60:.1f}"
        return f"{self.kind}{f' ({self.pod})' if self.pod else ''} at {at} min"

    def is_on(self, kind: Kind, now: float, pod: str = "") -> bool:
        """Whether this is a fault of that kind and pod that goes on now."""
        end = self.start_seconds + self.duration_seconds
        return self.kind is kind and self.pod == pod and self.start_seconds <= now < end


def pod_name(number: int) -> str:
    """Return the name of the replica of that number."""
    return f"engine-{number}"


def drawn_faults(random: Random, replicas: int) -> tuple[Fault, ...]:
    """Draw one to four faults of different kinds, in the order of time."""
    possible = [each for each in Kind if replicas > 1 or each not in _OF_SEVERAL_REPLICAS]
    kinds = random.sample(possible, random.randint(1, 4))
    faults = []
    for kind in kinds:
        duration = random.uniform(*DURATIONS_SECONDS[kind])
        latest = max(HOUR_SECONDS - duration, 600.0)
        pod = pod_name(random.randrange(replicas)) if kind in _OF_ONE_ENGINE else ""
        faults.append(Fault(kind, round(random.uniform(60.0, latest), 1), round(duration, 1), pod))
    return tuple(sorted(faults, key=lambda each: each.start_seconds))
