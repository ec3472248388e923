"""What a day costs when an autoscaler is closed around the arm: GPU-hours for each good token.

The fleet's demand is that of so many engines over a day (`cases.of_hour`). Every hour the autoscaler has
as many replicas as demand over the sustainable rate, which is the one that the arm ended at under the
hour's load. One of them is simulated with its part of the demand, in hours that are compressed; the others
are taken to do as it does.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median

from benchmarks.tuner.arms import Arm
from benchmarks.tuner.cases import CURVE, LOOSE, MIDDLE, STEADY, STEADY_STREAMS, TIGHT, Load, Promise, of_hour
from benchmarks.tuner.sustainable import held
from benchmarks.tuner.trial import Row, output_tokens, play
from benchmarks.virtual.load import Phase
from benchmarks.virtual.verdicts import is_good

PROMISES = (CURVE[1], TIGHT, MIDDLE, LOOSE)
ENGINES = 10.0
"""The demand at its peak, in engines of some 0.8 of what start values answer."""
MOST_REPLICAS = 100
"""As many as there are where the arm keeps the promise at no rate."""
HOUR_SECONDS = 150.0
"""An hour of the day in the simulation."""

Rates = Mapping[str, float]
"""Sustainable requests a second of one replica, by the hour's load."""


@dataclass(frozen=True)
class Day:
    """How a day of one arm came out."""

    promise: str
    arm: str
    seed: int
    gpu_hours: int
    offered: int
    """By the fleet, in the compressed hours; so are the next two."""
    good: int
    good_tokens: int
    hours_kept: int
    """In which both p95s were within the promise."""

    @property
    def gpu_hours_per_million_good_tokens(self) -> float:
        """As if hours were whole ones; infinite where nothing was good."""
        tokens = self.good_tokens * 3600 / HOUR_SECONDS
        return 1e6 * self.gpu_hours / tokens if tokens else math.inf


def rates(rows: Iterable[Row]) -> dict[tuple[str, str], Rates]:
    """Return median sustainable rates by promise and arm, where there are those of all of a day's loads."""
    found: dict[tuple[str, str], dict[str, list[float]]] = {}
    for each in rows:
        if each.load in STEADY:
            by_load = found.setdefault((each.promise, each.arm), {})
            by_load.setdefault(each.load, []).append(each.sustainable_per_second)
    return {
        key: {load: median(of) for load, of in by_load.items()}
        for key, by_load in found.items()
        if by_load.keys() == set(STEADY)
    }


def replicas_by_hour(sustainable: Rates) -> list[int]:
    """Return how many replicas the autoscaler has in each hour, at least one."""
    return [_replicas(ENGINES * rate, sustainable[load]) for load, rate in map(of_hour, range(24))]


def _replicas(demand_per_second: float, sustainable_per_second: float) -> int:
    if not sustainable_per_second:
        return MOST_REPLICAS
    return min(max(math.ceil(demand_per_second / sustainable_per_second), 1), MOST_REPLICAS)


def lived(promise: Promise, arm: Arm, sustainable: Rates, seed: int) -> Day:
    """Play the day of one replica, and count for the fleet."""
    replicas = replicas_by_hour(sustainable)
    phases = tuple(
        Phase(HOUR_SECONDS, ENGINES * rate / number, STEADY_STREAMS[load])
        for number, (load, rate) in zip(replicas, map(of_hour, range(24)), strict=True)
    )
    ran = play(Load(phases), promise, arm, seed)
    offered = sum(replicas[_hour(seconds)] for seconds in ran.offered)
    good = [each for each in ran.record.answers if is_good(each, promise.objectives)]
    kept = [
        held(ran.record.figures(hour * HOUR_SECONDS, (hour + 1) * HOUR_SECONDS)).keeps(promise)
        for hour in range(24)
    ]
    return Day(
        promise=promise.name,
        arm=arm.name,
        seed=seed,
        gpu_hours=sum(replicas),
        offered=offered,
        good=sum(replicas[_hour(each.sent_seconds)] for each in good),
        good_tokens=sum(replicas[_hour(each.sent_seconds)] * output_tokens(each) for each in good),
        hours_kept=sum(kept),
    )


def _hour(seconds: float) -> int:
    return int(seconds // HOUR_SECONDS)
