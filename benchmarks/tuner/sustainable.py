"""The sustainable rate: the highest open-loop rate at which a promise holds over minutes.

It holds when the p95s of all first tokens and of all gaps are within their thresholds, and of what arrives
at least 98 % is answered. Rates are those of a grid of 2 %: what limits do at a rate is simulated once,
for all promises.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

from benchmarks.tuner.cases import Promise, Streams
from benchmarks.virtual.bisection import last_that_holds
from benchmarks.virtual.load import Phase, sent
from benchmarks.virtual.services import Hardware, service
from setpoint.simulator.limits import Limits
from setpoint.simulator.play import Play
from setpoint.simulator.record import Figures

LEAST_PER_SECOND, MOST_PER_SECOND, RATIO = 0.1, 160.0, 1.02
STEPS = math.ceil(math.log(MOST_PER_SECOND / LEAST_PER_SECOND) / math.log(RATIO))
WARM_SECONDS, WINDOW_SECONDS, AFTER_SECONDS = 60.0, 300.0, 60.0
"""Before what is judged; of what is judged; and for answers after its end, under the same load."""
LEAST_ANSWERED_SHARE = 0.98
SEED_OFFSET = 10_000
"""So that no arm has been tuned on these arrivals."""


@dataclass(frozen=True)
class Limited:
    """An engine with its start, and the limits in force; where both are the same, a static setting."""

    hardware: Hardware
    start_sequences: int
    start_tokens: int
    sequences: int
    tokens: int


@dataclass(frozen=True)
class Held:
    """What clients saw at one rate; a latency is None where there was none."""

    ttft_p95: float | None
    itl_p95: float | None
    answered_share: float

    def keeps(self, promise: Promise) -> bool:
        """Whether the promise held."""
        return (
            self.answered_share >= LEAST_ANSWERED_SHARE
            and self.ttft_p95 is not None
            and self.ttft_p95 <= promise.ttft_seconds
            and (self.itl_p95 is None or self.itl_p95 <= promise.itl_seconds)
        )


def rate_of(step: int) -> float:
    """Return the rate a second of a step of the grid."""
    return LEAST_PER_SECOND * float(RATIO**step)


def highest(holds: Callable[[int], bool], steps: int) -> int | None:
    """Return the highest of `steps` steps, from 0, at which something holds that holds below it too.

    None when it holds at none. By bisection: where it holds again above a step at which it does not, either
    may be found.
    """
    last = last_that_holds(holds, -1, steps)
    return None if last < 0 else last


def sustainable_per_second(limited: Limited, streams: Streams, promise: Promise, seed: int) -> float:
    """Return the sustainable rate, 0 where the promise holds at none."""
    found = highest(lambda step: at_rate(limited, streams, step, seed).keeps(promise), STEPS)
    return 0.0 if found is None else rate_of(found)


@cache
def at_rate(limited: Limited, streams: Streams, step: int, seed: int) -> Held:
    """Return what clients see of one replica with these limits at the rate of this step."""
    started = service(
        sequences=limited.start_sequences, tokens=limited.start_tokens, hardware=limited.hardware
    )
    limits = replace(started, limits=Limits(limited.sequences, limited.tokens))
    end = WARM_SECONDS + WINDOW_SECONDS
    phase = Phase(end + AFTER_SECONDS, rate_of(step), streams)
    load = list(sent([phase], None, SEED_OFFSET + seed, started.config.block_size))
    play = Play(limits.start(), started.parameters.network_seconds, started.router)
    play.send(load)
    play.run_until(end + AFTER_SECONDS)
    figures = play.record.figures(WARM_SECONDS, end)
    arrived = sum(WARM_SECONDS <= seconds < end for seconds, _ in load)
    answered = sum(WARM_SECONDS <= each.sent_seconds < end for each in play.record.answers)
    return held(figures, answered / arrived if arrived else 0.0)


def held(figures: Figures, answered_share: float = 1.0) -> Held:
    """Return the p95s of some figures."""
    return Held(
        ttft_p95=figures.ttft.p95 if figures.ttft else None,
        itl_p95=figures.itl.p95 if figures.itl else None,
        answered_share=answered_share,
    )
