"""Which requests a seed stands for: load test and simulator draw them here, and so can give the same load.

Arrivals and lengths come from generators of their own: another pattern of arrivals leaves the lengths as they
are, and one client's pace does not change another's requests.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from random import Random

from setpoint.workload.arrivals import Arrivals
from setpoint.workload.lengths import Lengths


@dataclass(frozen=True, slots=True)
class Shape:
    """How long requests are."""

    prompt_tokens: Lengths
    output_tokens: Lengths

    def sample(self, random: Random) -> tuple[int, int]:
        """Draw the tokens of one prompt and of its answer."""
        return self.prompt_tokens.sample(random), self.output_tokens.sample(random)


def open_loop(
    shape: Shape, arrivals: Arrivals, rate_per_second: float, duration_seconds: float, seed: object
) -> Iterator[tuple[float, int, int]]:
    """Yield offset in seconds, prompt and output tokens of each request, in the order of their offsets.

    It has no end: the pattern over the duration, then anew.
    """
    times, lengths = Random(f"{seed}/arrivals"), Random(f"{seed}/lengths")
    for turn in count():
        start = turn * duration_seconds
        for offset in arrivals.offsets_seconds(rate_per_second, duration_seconds, times):
            yield (start + offset, *shape.sample(lengths))


def client(shape: Shape, number: int, seed: object) -> Iterator[tuple[int, int]]:
    """Yield prompt and output tokens of what one client of a closed loop sends, without an end."""
    lengths = Random(f"{seed}/{number}")
    while True:
        yield shape.sample(lengths)
