"""Rows held against each other: the best static setting of each case, of all, and every arm's share of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from benchmarks.tuner.arms import DEFAULT, STATICS
from benchmarks.tuner.trial import Row

Key = tuple[str, str]
"""A case: its load and its promise."""


@dataclass(frozen=True)
class Spread:
    """A figure over seeds."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """Return that of at least one value."""
        found = list(values)
        return cls(median(found), min(found), max(found))


@dataclass(frozen=True)
class Comparison:
    """The rows of all arms on one case, by arm and then by seed."""

    key: Key
    rows: dict[str, dict[int, Row]]

    @property
    def oracle(self) -> str | None:
        """The static setting with the highest sustainable rate in the median; None where none was run."""
        statics = [each for each in STATICS if each in self.rows]
        return max(statics, key=self.rate) if statics else None

    def rate(self, arm: str) -> float:
        """Return the arm's sustainable rate at its end, in the median."""
        return median(each.sustainable_per_second for each in self.rows[arm].values())

    def share(self, arm: str, of: str | None = None) -> Spread | None:
        """Return the arm's sustainable rate as a share of that of another one, seed by seed.

        The other is the oracle unless it is named. None where that was not run, or keeps the promise at no
        rate.
        """
        other = of or self.oracle
        if other is None or other not in self.rows or not self.rate(other):
            return None
        mine, theirs = self.rows[arm], self.rows[other]
        shares = [
            mine[seed].sustainable_per_second / theirs[seed].sustainable_per_second
            for seed in sorted(mine.keys() & theirs.keys())
            if theirs[seed].sustainable_per_second
        ]
        return Spread.of(shares) if shares else None

    def bad_share(self, arm: str) -> Spread:
        """Return the share of requests that were bad."""
        return Spread.of(each.bad / each.offered for each in self.rows[arm].values())

    def kept_share(self, arm: str) -> Spread:
        """Return the share of windows in which the promise was kept."""
        return Spread.of(each.windows_kept / each.windows for each in self.rows[arm].values())


def comparisons(rows: Iterable[Row]) -> list[Comparison]:
    """Return one for each case, in the order of the rows."""
    found: dict[Key, dict[str, dict[int, Row]]] = {}
    for each in rows:
        found.setdefault((each.load, each.promise), {}).setdefault(each.arm, {})[each.seed] = each
    return [Comparison(key, by_arm) for key, by_arm in found.items()]


def best_single(compared: Sequence[Comparison]) -> str | None:
    """Return the static setting with the highest mean share of the oracles of all cases.

    None where no static setting was run on every case that has an oracle.
    """
    judged = [each for each in compared if each.oracle and each.rate(each.oracle)]
    everywhere = [arm for arm in STATICS if judged and all(arm in each.rows for each in judged)]
    return max(everywhere, key=lambda arm: mean_share(judged, arm), default=None)


def mean_share(compared: Iterable[Comparison], arm: str) -> float:
    """Return the mean over cases of the arm's median share of the oracle."""
    shares = (each.share(arm) for each in compared if arm in each.rows)
    return fmean(each.median for each in shares if each)


@dataclass(frozen=True)
class Loss:
    """A case in which an arm comes out below another one."""

    key: Key
    what: str
    arm: float
    other: str
    others: float


LEAST_SHARE = 0.97
"""Of the oracle's sustainable rate."""


def losses(compared: Iterable[Comparison], arm: str) -> list[Loss]:
    """Return where the arm, in the median, is below the oracle or the default: by its sustainable rate, its
    bad requests, or the windows in which the promise was kept.
    """
    found = []
    for each in compared:
        if arm not in each.rows:
            continue
        for other in dict.fromkeys((each.oracle, DEFAULT)):
            if other is None or other not in each.rows:
                continue
            share = each.share(arm, other)
            if share and share.median < LEAST_SHARE:
                found.append(Loss(each.key, "sustainable rate", each.rate(arm), other, each.rate(other)))
            bad, theirs = each.bad_share(arm).median, each.bad_share(other).median
            if bad > theirs:
                found.append(Loss(each.key, "bad requests", bad, other, theirs))
            kept, their_kept = each.kept_share(arm).median, each.kept_share(other).median
            if kept < their_kept:
                found.append(Loss(each.key, "windows kept", kept, other, their_kept))
    return found
