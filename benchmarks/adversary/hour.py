"""One service-hour, drawn from its seed: engines, load, promise and faults."""

from dataclasses import dataclass
from random import Random

from benchmarks.adversary.faults import HOUR_SECONDS, Fault, drawn_faults
from benchmarks.tuner.cases import HALF, LOGNORMAL, MOST, Streams, chat, long_prompts, mixed, only
from benchmarks.virtual.load import POISSON, Phase
from benchmarks.virtual.services import H100_8B, LONG_ANSWERS, Hardware, objectives
from setpoint.tuner.promise import Objective
from setpoint.workload.arrivals import Arrivals, Burst, Ramp
from setpoint_vllm.limits_file import Latency

LEAST_PHASE_SECONDS = 300.0


@dataclass(frozen=True)
class Load:
    """A kind of requests, and what one H100 with an 8B answers of it a second at its start values."""

    name: str
    streams: Streams
    capacity_per_second: float


LOADS = (
    Load("chat", chat(), 51),
    Load("long prompts", long_prompts(), 9.8),
    Load("mixed", mixed(0.2), 28),
    Load("lognormal", LOGNORMAL, 45),
    Load("long answers", only(LONG_ANSWERS), 8.9),
    Load("chat, 50 % hits", chat(HALF), 75),
    Load("long prompts, 50 % hits", long_prompts(HALF), 16),
    Load("long prompts, 90 % hits", long_prompts(MOST), 33),
)
"""Capacities as `benchmarks.tuner.cases` has them."""
SHARES_OF_AN_H100 = {
    H100_8B: 1.0,
    Hardware("A100", "8B"): 18 / 51,
    Hardware("H200", "8B"): 54 / 51,
    Hardware("H100", "14B"): 28 / 51,
}
"""What each hardware answers of chat, to what an H100 with an 8B does."""
LEVELS = ((0.005, 0.1), (0.2, 0.85), (0.85, 1.05), (1.05, 1.5))
"""Shares of the capacity: idle, some load, near the edge, too much."""
LEVEL_WEIGHTS = (20, 50, 20, 10)
"""Most hours are such that an engine at its start values has something to lose."""
ITL_SECONDS = (0.02, 0.025, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15)
ITL_WEIGHTS = (1, 1, 2, 2, 2, 3, 3, 2)
TTFT_SECONDS = (0.5, 1.0, 2.0, 3.0)


@dataclass(frozen=True)
class Hour:
    """What one seed is."""

    seed: int
    hardware: Hardware
    replicas: int
    """At its beginning."""
    promise: tuple[Objective, ...]
    phases: tuple[Phase, ...]
    faults: tuple[Fault, ...]
    load_words: tuple[str, ...]
    """Each phase in words."""

    @property
    def words(self) -> str:
        """All of it but the faults, in words."""
        engines = f"{self.replicas} {self.hardware.gpu} with {self.hardware.model}"
        return f"{engines}; {_promise_words(self.promise)}; {', then '.join(self.load_words)}"


def drawn(seed: int) -> Hour:
    """Return the hour of a seed; always the same."""
    random = Random(f"adversary {seed}")
    hardware = random.choices(tuple(SHARES_OF_AN_H100), (5, 2, 2, 2))[0]
    replicas = random.choices((1, 2, 3), (5, 3, 2))[0]
    itl, ttft = random.choices(ITL_SECONDS, ITL_WEIGHTS)[0], random.choice(TTFT_SECONDS)
    which = random.choices(("both", "itl", "ttft"), (6, 2, 2))[0]
    promise = objectives(None if which == "ttft" else itl, None if which == "itl" else ttft)
    phases, words = _phases(random, SHARES_OF_AN_H100[hardware] * replicas)
    faults = drawn_faults(random, replicas)
    return Hour(seed, hardware, replicas, promise, phases, faults, words)


def _phases(random: Random, h100s: float) -> tuple[tuple[Phase, ...], tuple[str, ...]]:
    count = random.choice((1, 1, 2, 3, 4))
    spare = HOUR_SECONDS - count * LEAST_PHASE_SECONDS
    cuts = sorted(random.uniform(0, spare) for _ in range(count - 1))
    lengths = [LEAST_PHASE_SECONDS + b - a for a, b in zip([0.0, *cuts], [*cuts, spare], strict=True)]
    load = random.choice(LOADS)
    phases, words = [], []
    for length in lengths:
        if random.random() < 0.4:
            load = random.choice(LOADS)
        level = random.uniform(*random.choices(LEVELS, LEVEL_WEIGHTS)[0])
        arrivals, how = _arrivals(random, level)
        rate = level * load.capacity_per_second * h100s
        phases.append(Phase(length, rate, load.streams, arrivals))
        words.append(f"{length / 60:.0f} min of {load.name} at {level:.2f} of capacity ({rate:.1f}/s){how}")
    return tuple(phases), tuple(words)


def _arrivals(random: Random, level: float) -> tuple[Arrivals, str]:
    match random.choices(("poisson", "burst", "ramp"), (6, 2, 2))[0]:
        case "burst":
            size = random.randint(5, 30)
            return Burst(size), f" in bursts of {size}"
        case "ramp":
            end = random.uniform(0.1, 1.2)
            return Ramp(end / level), f" drifting to {end:.2f}"
        case _:
            return POISSON, ""


def _promise_words(promise: tuple[Objective, ...]) -> str:
    names = {Latency.ITL: "itl", Latency.TTFT: "ttft"}
    return ", ".join(f"{names[each.latency]} {each.threshold_seconds:g} s" for each in promise)
