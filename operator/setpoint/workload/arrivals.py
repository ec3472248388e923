"""When requests come in an open loop: offsets from the start of a stage, whatever the engine does.

Every pattern is drawn ahead of time from a seeded generator, so that two engines, or two settings of one,
can be given the same arrivals.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Protocol

_FORMS = "poisson, constant, burst:SIZE, ramp:FACTOR or step:FACTOR:SHARE (such as step:2:0.5)"


class Arrivals(Protocol):
    """A pattern of arrivals around a rate."""

    def offsets_seconds(
        self, rate_per_second: float, duration_seconds: float, random: Random
    ) -> Iterator[float]:
        """Return ascending offsets in [0, duration)."""


@dataclass(frozen=True, slots=True)
class Constant:
    """One request every 1/rate seconds."""

    def offsets_seconds(
        self,
        rate_per_second: float,
        duration_seconds: float,
        random: Random,  # noqa: ARG002
    ) -> Iterator[float]:
        number = 0
        while (offset := number / rate_per_second) < duration_seconds:
            yield offset
            number += 1


@dataclass(frozen=True, slots=True)
class Burst:
    """`size` requests at one instant, at Poisson instants, together at the rate; a size of 1 is Poisson."""

    size: int = 1

    def offsets_seconds(
        self, rate_per_second: float, duration_seconds: float, random: Random
    ) -> Iterator[float]:
        offset = 0.0
        while (offset := offset + random.expovariate(rate_per_second / self.size)) < duration_seconds:
            for _ in range(self.size):
                yield offset


@dataclass(frozen=True, slots=True)
class Ramp:
    """Poisson, the rate moving linearly to `factor` times the given one over the duration."""

    factor: float

    def offsets_seconds(
        self, rate_per_second: float, duration_seconds: float, random: Random
    ) -> Iterator[float]:
        """Thinning (Lewis and Shedler, 1979): draw at the highest rate, keep each with the share due then."""
        highest = max(1.0, self.factor)
        for offset in Burst().offsets_seconds(rate_per_second * highest, duration_seconds, random):
            due = 1 + (self.factor - 1) * offset / duration_seconds
            if random.random() * highest < due:
                yield offset


@dataclass(frozen=True, slots=True)
class Step:
    """Poisson, the rate multiplied by `factor` once `share` (0 to 1) of the duration is over."""

    factor: float
    share: float

    def offsets_seconds(
        self, rate_per_second: float, duration_seconds: float, random: Random
    ) -> Iterator[float]:
        turn = self.share * duration_seconds
        yield from Burst().offsets_seconds(rate_per_second, turn, random)
        rest = Burst().offsets_seconds(rate_per_second * self.factor, duration_seconds - turn, random)
        yield from (turn + offset for offset in rest)


def parse_arrivals(text: str) -> Arrivals:
    """Return the pattern that `text` names. Raises ValueError that says what would work."""
    name, *arguments = text.split(":")
    try:
        match name, [float(argument) for argument in arguments]:
            case "poisson", []:
                return Burst()
            case "constant", []:
                return Constant()
            case "burst", [size] if size == int(size) and 1 <= size <= 100_000:
                return Burst(int(size))
            case "ramp", [factor] if 0 <= factor <= 1000:
                return Ramp(factor)
            case "step", [factor, share] if 0 < factor <= 1000 and 0 < share < 1:
                return Step(factor, share)
    except (ValueError, OverflowError):
        pass
    raise ValueError(f"{text!r} is no pattern of arrivals; write {_FORMS}")
