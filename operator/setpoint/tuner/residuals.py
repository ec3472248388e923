"""What a model leaves unexplained at settings that were tried, and so probably at those beside them.

A Gaussian process over the logarithms of both limits (Rasmussen and Williams, 2006, chapter 2): what was
measured at one setting says much of its neighbours and nothing of those that are far away.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from setpoint.tuner.belief import inverse

SEQS_OCTAVES, TOKENS_OCTAVES = 1.5, 1.0
"""Settings that are a factor of two to this power apart have about 0.6 of what is unexplained in common."""

Place = tuple[float, float]
"""Logarithms to base 2 of sequences and tokens."""


def place(seqs: int, tokens: int) -> Place:
    """Where a setting lies."""
    return math.log2(seqs), math.log2(tokens)


@dataclass(frozen=True)
class Residuals:
    """Logarithms of measured over modelled, at places."""

    places: Sequence[Place]
    logarithms: Sequence[float]
    model_deviation: float
    """Standard deviation of what a model leaves unexplained where nothing was measured."""
    noise_deviation: float
    """Of one measurement."""

    def at(self, places: Sequence[Place]) -> list[tuple[float, float]]:
        """Return, for each place, the expected logarithm and its standard deviation, without noise."""
        if not self.places:
            return [(0.0, self.model_deviation)] * len(places)
        variance = self.model_deviation**2
        noise = self.noise_deviation**2
        inverted = inverse(
            tuple(
                tuple(
                    variance * _alike(one, other) + (noise if row == column else 0.0)
                    for column, other in enumerate(self.places)
                )
                for row, one in enumerate(self.places)
            )
        )
        pulls = [sum(map(float.__mul__, line, map(float, self.logarithms))) for line in inverted]
        found = []
        for wanted in places:
            shared = [variance * _alike(wanted, each) for each in self.places]
            explained = sum(
                one * sum(map(float.__mul__, line, shared))
                for one, line in zip(shared, inverted, strict=True)
            )
            mean = sum(map(float.__mul__, shared, pulls))
            found.append((mean, math.sqrt(max(variance - explained, 0.0))))
        return found


def _alike(one: Place, other: Place) -> float:
    seqs, tokens = (one[0] - other[0]) / SEQS_OCTAVES, (one[1] - other[1]) / TOKENS_OCTAVES
    return math.exp(-(seqs**2 + tokens**2) / 2)
