"""How many tokens a prompt or an answer has: a distribution, written as one word of a command line."""

import math
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import NormalDist
from typing import Protocol

_FORMS = (
    "fixed:512, uniform:256:768, lognormal:512:0.6 (median and sigma), lognormal:512:0.6:4096 or file:PATH"
)
MAX_TOKENS = 10_000_000
"""Longer than any context: a larger number is a slip."""


class Lengths(Protocol):
    """A distribution of whole numbers of tokens, each at least 1."""

    @property
    def mean(self) -> float:
        """The expected number of tokens."""

    def sample(self, random: Random) -> int:
        """Draw one length."""


@dataclass(frozen=True, slots=True)
class Uniform:
    """Every length from `least` to `most`, both included, equally often; fixed when they are equal."""

    least: int
    most: int

    @property
    def mean(self) -> float:
        return (self.least + self.most) / 2

    def sample(self, random: Random) -> int:
        return random.randint(self.least, self.most)


@dataclass(frozen=True, slots=True)
class Lognormal:
    """Lengths whose logarithm is normal around ln(`median`): few are very long, as in real traffic."""

    median: float
    sigma: float
    """Standard deviation of the natural logarithm."""
    most: int = MAX_TOKENS
    """Longer draws are cut to this."""

    @property
    def mean(self) -> float:
        """The mean before rounding: the part below `most`, and `most` for what is cut to it."""
        if not self.sigma:
            return min(float(self.most), self.median)
        cut = math.log(self.most / self.median) / self.sigma
        below, normal = self.median * math.exp(self.sigma**2 / 2), NormalDist()
        return below * normal.cdf(cut - self.sigma) + self.most * normal.cdf(-cut)

    def sample(self, random: Random) -> int:
        return max(1, min(self.most, round(random.lognormvariate(math.log(self.median), self.sigma))))


@dataclass(frozen=True, slots=True)
class Empirical:
    """Lengths drawn from those that were seen."""

    seen: tuple[int, ...]

    @property
    def mean(self) -> float:
        return sum(self.seen) / len(self.seen)

    def sample(self, random: Random) -> int:
        return random.choice(self.seen)


def parse_lengths(text: str) -> Lengths:
    """Return the distribution that `text` names; a file has one length a line.

    Raises ValueError that says what is wrong and what would work.
    """
    form, *arguments = text.split(":")
    if form == "file" and arguments:
        return _from_file(text.removeprefix("file:"))
    try:
        match form, arguments:
            case "fixed", [length]:
                return Uniform(_tokens(length), _tokens(length))
            case "uniform", [least, most]:
                return _uniform(_tokens(least), _tokens(most))
            case "lognormal", [median, sigma, *most]:
                return Lognormal(_tokens(median), _sigma(sigma), *map(_tokens, most))
            case _ if not arguments:
                return Uniform(_tokens(form), _tokens(form))
    except TypeError:
        pass
    except ValueError as error:
        raise ValueError(f"{text!r}: {error}") from None
    raise ValueError(f"{text!r} is no distribution of lengths; write {_FORMS}")


def _uniform(least: int, most: int) -> Uniform:
    if least > most:
        raise ValueError(f"the least, {least}, is above the most, {most}: swap them")
    return Uniform(least, most)


def _tokens(text: str) -> int:
    try:
        tokens = int(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a whole number of tokens; write {_FORMS}") from None
    if not 1 <= tokens <= MAX_TOKENS:
        raise ValueError(f"{tokens} tokens is not from 1 to {MAX_TOKENS}")
    return tokens


def _sigma(text: str) -> float:
    try:
        sigma = float(text)
    except ValueError:
        sigma = math.nan
    if not 0 <= sigma <= 5:
        raise ValueError(f"sigma {text!r} is not a number from 0 to 5")
    return sigma


def _from_file(path: str) -> Empirical:
    try:
        lines = Path(path).read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"file:{path} cannot be read as lengths, one a line: {error}") from None
    if not lines:
        raise ValueError(f"file:{path} has no length: write one whole number a line")
    try:
        return Empirical(tuple(_tokens(line) for line in lines))
    except ValueError as error:
        raise ValueError(f"file:{path}: {error}") from None
