"""Which window is measured next, so that each arm's sustainable rate lies between two that were measured.

An arm is a pair of limits. Under a promise it sustains at least the highest rate that held, and something
below the lowest rate above it that did not. The rates are widened by a step until there are both, and then
halved, as far as the arm's windows go. All windows of one load under the same limits count, whichever promise
they were measured for: one window shows for every promise whether it was kept. Equal rates bring equal
arrivals and lengths.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.h100.curve import Measured, highest_held, measured_row
from benchmarks.h100.plan import DEFAULT_SEQUENCES, DEFAULT_TOKENS

_LEAST = 0.5
"""The lowest rate a second, and the least from one to another."""
_LOOSE_MS = 100.0
"""Under such a promise what the default sustains is known well, so that its rates need no wide steps."""
CLOSE = 1.15
"""A bracket whose ends are no further apart, one over the other, is not halved any more."""


@dataclass(frozen=True)
class Limits:
    """A cap of sequences and a token budget."""

    sequences: int
    tokens: int

    def __str__(self) -> str:
        return f"{self.sequences}x{self.tokens}"


DEFAULT = Limits(DEFAULT_SEQUENCES, DEFAULT_TOKENS)


def static(tokens: int) -> Limits:
    """Return the limits of a token budget; the cap is as high as the budget lets it be."""
    return Limits(min(DEFAULT_SEQUENCES, tokens), tokens)


@dataclass(frozen=True)
class Window:
    """One load at a rate under fixed limits."""

    load: str
    limits: Limits
    rate_per_second: float

    def __str__(self) -> str:
        return f"{self.load}-{self.limits}-{self.rate_per_second:g}"


Rows = Mapping[tuple[str, Limits], Sequence[Measured]]
"""The windows that were measured, by load and limits."""


@dataclass(frozen=True)
class Bracket:
    """The search for what an arm sustains under a promise, from a first rate on."""

    load: str
    limits: Limits
    promise_ms: float
    first_rate: float
    step: float = 1.12
    most_windows: int = 6

    def next(self, rows: Rows) -> Window | None:
        """Return the window that narrows the bracket; None when it is close, or its windows are used up."""
        measured = rows.get((self.load, self.limits), ())
        if len(measured) >= self.most_windows:
            return None
        rate = self._rate(measured)
        return None if rate is None else Window(self.load, self.limits, rate)

    def held(self, rows: Rows) -> float | None:
        """Return the highest rate that held."""
        best = highest_held(rows.get((self.load, self.limits), ()), self.promise_ms)
        return best.rate_per_second if best else None

    def _rate(self, measured: Sequence[Measured]) -> float | None:
        if not measured:
            return even(self.first_rate)
        best = highest_held(measured, self.promise_ms)
        low = best.rate_per_second if best else 0.0
        # What is not stationary has not held either: the search goes on below it.
        above = [row for row in measured if row.rate_per_second > low]
        if not above:
            return max(even(low * self.step), low + _LEAST)
        broken = min(row.rate_per_second for row in above)
        at = [row for row in above if row.rate_per_second == broken]
        if len(at) == 1 and self._is_doubtful(at[0]):
            return broken
        if low and broken / low <= CLOSE:
            return None
        rate = even((low * broken) ** 0.5) if low else min(even(broken / self.step), broken - _LEAST)
        return rate if low < rate < broken else None

    def _is_doubtful(self, row: Measured) -> bool:
        """Only its drift, which may be chance, keeps it from holding: it is worth a second window."""
        return bool(row.flaws) and row.kept_up and row.itl_p95.value <= self.promise_ms


@dataclass(frozen=True)
class Beside:
    """Other limits at the very rate that an arm holds: the same requests, a pair."""

    of: Bracket
    limits: Limits

    def next(self, rows: Rows) -> Window | None:
        """Return the window, unless it was measured or the arm has not held anything."""
        rate = self.of.held(rows)
        tried = {row.rate_per_second for row in rows.get((self.of.load, self.limits), ())}
        return None if rate is None or rate in tried else Window(self.of.load, self.limits, rate)


Search = Bracket | Beside


def even(rate: float) -> float:
    """Return a rate that can be told in few digits: whole ones from 10 a second on, else halves."""
    return float(round(rate)) if rate >= 10 else max(_LEAST, round(2 * rate) / 2)


def searches(tuned: Mapping[tuple[str, float], Limits]) -> Iterator[Search]:
    """Yield what is to be found out, in order of importance.

    `tuned`: where the tuner ended, by load and promise in milliseconds. A load that it has not been run on is
    searched with the static budgets alone. The first rates are what an H100 sustained, or is simulated to.
    """
    for load, promise_ms, default_rate, tuned_rate, most_windows in (
        ("chat", 30.0, 18.0, 48.0, 5),
        ("long", 30.0, 5.5, 11.0, 5),
        ("long", 50.0, 7.5, 11.0, 8),
        ("chat", 100.0, 50.0, 50.0, 9),
    ):
        step = 1.25 if promise_ms < _LOOSE_MS else 1.12
        default = Bracket(load, DEFAULT, promise_ms, default_rate, step, most_windows)
        ended = tuned.get((load, promise_ms))
        if ended:
            arm = Bracket(load, ended, promise_ms, tuned_rate, most_windows=most_windows)
            yield from (arm, default, Beside(arm, DEFAULT))
        else:
            yield default
    for load, promise_ms, rates in (
        ("chat", 30.0, {512: 48.0, 1024: 20.0, 256: 38.0}),
        ("long", 30.0, {512: 11.0, 1024: 9.0, 256: 8.0}),
        ("long", 50.0, {1024: 11.0, 2048: 9.0}),
    ):
        for tokens, rate in rates.items():
            yield Bracket(load, static(tokens), promise_ms, rate, most_windows=3)


def next_window(tuned: Mapping[tuple[str, float], Limits], rows: Rows) -> Window | None:
    """Return the most important window that is missing; None when nothing is."""
    return next((window for search in searches(tuned) if (window := search.next(rows))), None)


def window_row(line: Mapping[str, Any]) -> Measured:
    """Return what a line of the windows' file says of its rate.

    Whether it kept up is told by the window's own requests, however late they were answered. How many were
    answered within it is up to chance at its ends: of ten a second, 2 % are eight in 40 s.
    """
    return replace(measured_row(dict(line)), completed=line["answered"])


def arm_of(line: Mapping[str, Any]) -> tuple[str, Limits]:
    """Return the load and the limits of a line of the windows' file."""
    moved = line["limits"]
    return line["load_name"], Limits(moved["max_num_seqs"], moved["max_num_batched_tokens"])


def by_arm(lines: Iterable[Mapping[str, Any]]) -> dict[tuple[str, Limits], list[Measured]]:
    """Return the lines of the windows' file by load and limits, each by rate."""
    found: dict[tuple[str, Limits], list[Measured]] = {}
    for line in lines:
        found.setdefault(arm_of(line), []).append(window_row(line))
    return {arm: sorted(rows, key=lambda row: row.rate_per_second) for arm, rows in found.items()}
