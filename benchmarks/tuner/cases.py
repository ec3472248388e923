"""What arms are tried on: loads over time, and what is promised of them.

Rates are some 0.7 of what one engine answers a second at its start values while more than that waits (chat
51, long prompts 9.8, mixed 28, as lognormal lengths 45; with 50 and 90 % prefix hits 75 and 118 of chat,
16 and 33 of long prompts; chat on an A100 18, on an H200 54, of a 14B 28), so that a load is the same
under every promise.
"""

import math
from dataclasses import dataclass, replace

from benchmarks.virtual.load import POISSON, Phase, Stream
from benchmarks.virtual.services import CHAT, DOCUMENTS, H100_8B, LONG_ANSWERS, Hardware, objectives, requests
from setpoint.simulator.experiment import Requests
from setpoint.tuner.promise import Objective
from setpoint.workload.arrivals import Arrivals, Burst

Streams = tuple[Stream, ...]
HALF, MOST = 0.5, 0.9
"""Shares of prompts that are found in the prefix cache."""


@dataclass(frozen=True)
class Load:
    """What is sent to which engines."""

    phases: tuple[Phase, ...]
    hardware: Hardware = H100_8B
    ready_seconds: tuple[float, ...] = (0.0,)
    """When each replica has started."""

    @property
    def duration_seconds(self) -> float:
        """Of all phases together."""
        return sum(each.duration_seconds for each in self.phases)

    @property
    def changes_seconds(self) -> tuple[float, ...]:
        """When each phase begins."""
        starts = [0.0]
        for phase in self.phases[:-1]:
            starts.append(starts[-1] + phase.duration_seconds)
        return tuple(starts)

    @property
    def last_streams(self) -> Streams:
        """What is sent at its end."""
        return self.phases[-1].streams


@dataclass(frozen=True)
class Promise:
    """95 % of the gaps between tokens, and of the first tokens, stay within these times."""

    itl_seconds: float
    ttft_seconds: float

    @property
    def name(self) -> str:
        """As it stands in rows and tables."""
        return f"itl {1000 * self.itl_seconds:g} ms, ttft {self.ttft_seconds:g} s"

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """As the tuner takes them."""
        return objectives(self.itl_seconds, self.ttft_seconds)


@dataclass(frozen=True)
class Case:
    """One load under one promise."""

    load: str
    promise: Promise

    @property
    def name(self) -> str:
        """As it is chosen on the command line."""
        return f"{self.load}, {self.promise.name}"


CURVE = (
    *(Promise(itl_seconds, 1.0) for itl_seconds in (0.02, 0.025, 0.03, 0.04, 0.05)),
    *(Promise(itl_seconds, 2.0) for itl_seconds in (0.075, 0.1)),
)
TIGHT, MIDDLE, LOOSE = CURVE[2], CURVE[4], CURVE[6]


def only(kind: Requests) -> Streams:
    """Return a single stream of these requests."""
    return (Stream(kind),)


def chat(shared: float = 0.0) -> Streams:
    """Return short prompts, of which this share is found in the prefix cache."""
    return only(replace(CHAT, shared_prefix=shared))


def long_prompts(shared: float = 0.0) -> Streams:
    """Return long prompts, of which this share is found in the prefix cache."""
    return only(replace(DOCUMENTS, shared_prefix=shared))


def mixed(documents_share: float) -> Streams:
    """Return chat with this share of long prompts."""
    return Stream(CHAT, 1 - documents_share), Stream(DOCUMENTS, documents_share)


def mixed_rate(rate_per_second: float, documents_share: float) -> float:
    """Return the rate of a mix that loads an engine as chat at this rate does: a document is five chats."""
    return rate_per_second / (1 + 4 * documents_share)


LOGNORMAL = only(requests("lognormal:400:0.8:6000", "lognormal:100:0.8:1500"))


def steady(
    streams: Streams,
    rate_per_second: float,
    duration_seconds: float = 1200,
    arrivals: Arrivals = POISSON,
    hardware: Hardware = H100_8B,
) -> Load:
    """Return a load of one phase."""
    return Load((Phase(duration_seconds, rate_per_second, streams, arrivals),), hardware)


STEADY_STREAMS = {"chat": chat(), "long prompts": long_prompts(), "mixed": mixed(0.2)}
"""The loads that are tried under every promise: the curve over the promise, and the parts of a day."""
STEADY = tuple(STEADY_STREAMS)


def of_hour(hour: int) -> tuple[str, float]:
    """Return which of these loads comes in an hour of a day, 0 to 23, and its rate.

    From 8 to 18 chat, at night long prompts, in between the mix. Demand follows a cosine with its peak at 14,
    and a fifth of that at 2; at its peak it is that of one engine with chat.
    """
    demand = 40 * (0.6 + 0.4 * math.cos(2 * math.pi * (hour - 14) / 24))
    if 8 <= hour < 18:
        return "chat", demand
    if 6 <= hour < 22:
        return "mixed", mixed_rate(demand, 0.2)
    return "long prompts", mixed_rate(demand, 1.0)


def day(hour_seconds: float) -> tuple[Phase, ...]:
    """Return 24 hours of this length."""
    hours = map(of_hour, range(24))
    return tuple(Phase(hour_seconds, rate, STEADY_STREAMS[load]) for load, rate in hours)


def drift() -> Load:
    """Return chat that turns into a mix with a half of long prompts, within half an hour."""
    shares = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
    phases = tuple(Phase(300, mixed_rate(34, each), mixed(each) if each else chat()) for each in shares)
    return Load(phases)


LOADS: dict[str, Load] = {
    "chat": steady(STEADY_STREAMS["chat"], 36),
    "long prompts": steady(STEADY_STREAMS["long prompts"], 6.5),
    "mixed": steady(STEADY_STREAMS["mixed"], 20),
    "lognormal": steady(LOGNORMAL, 30),
    "chat, 50 % hits": steady(chat(HALF), 50),
    "chat, 90 % hits": steady(chat(MOST), 65),
    "long prompts, 50 % hits": steady(long_prompts(HALF), 11),
    "long prompts, 90 % hits": steady(long_prompts(MOST), 23),
    "burst": steady(chat(), 25, arrivals=Burst(20)),
    "step": Load(
        (Phase(600, 34, chat()), Phase(600, 6, long_prompts()), Phase(600, 34, chat())),
    ),
    "five-fold": Load((Phase(600, 8, chat()), Phase(600, 40, chat()), Phase(600, 8, chat()))),
    "drift": drift(),
    "day": Load(day(150)),
    "day of 24 h": Load(day(3600)),
    "low rate": steady(chat(), 0.5, 3600),
    "cold cache": Load(
        (
            Phase(600, 12, long_prompts(MOST)),
            Phase(300, 7, long_prompts()),
            Phase(900, 12, long_prompts(MOST)),
        ),
    ),
    "scale-out": Load(
        (Phase(300, 30, chat()), Phase(300, 55, chat()), Phase(900, 60, chat())), ready_seconds=(0.0, 480.0)
    ),
    "KV-bound": steady(only(LONG_ANSWERS), 6.2),
    "chat on A100": steady(chat(), 13, hardware=Hardware("A100", "8B")),
    "chat on H200": steady(chat(), 38, hardware=Hardware("H200", "8B")),
    "chat of 14B": steady(chat(), 20, hardware=Hardware("H100", "14B")),
}
SELDOM = ("day of 24 h",)
"""Only where they are named: they take long."""


def cases() -> list[Case]:
    """Return all cases but the seldom ones."""
    curve = [Case(load, promise) for load in STEADY for promise in CURVE]
    others = [load for load in LOADS if load not in (*STEADY, *SELDOM)]
    return curve + [Case(load, promise) for load in others for promise in (TIGHT, MIDDLE, LOOSE)]


def named(text: str) -> list[Case]:
    """Return the cases whose names begin with the text; of seldom loads too.

    Raises ValueError when there is none.
    """
    seldom = [Case(load, promise) for load in SELDOM for promise in (TIGHT, MIDDLE, LOOSE)]
    found = [each for each in cases() + seldom if each.name.startswith(text)]
    if not found:
        raise ValueError(f"no case begins with {text!r}; loads are {', '.join(LOADS)}")
    return found
