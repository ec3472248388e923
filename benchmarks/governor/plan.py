"""What is compared: loads, promises and launch times, and which arms on which seeds."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import log
from statistics import median
from typing import NamedTuple

from benchmarks.governor.loads import LOADS
from benchmarks.governor.search import LOWEST, RUNG, highest_rung, rate_per_second
from benchmarks.governor.trial import PROMISES, TOKENS, Arm, Outcome, Trial

STATICS_TOKENS = (256, 384, 512, 768, 1024, 1536, 2048, 4096, 8192)
FINER_TOKENS = (320, 448, 640, 896, 1280, 1792, 2560, 3072)
"""Budgets that an outer loop could set as well, in between."""
TARGET_SHARES = (0.7, 0.8, 0.9, 1.0)
GOVERNORS = ("learned", "oracle")
FIXED_SHARE = 0.9
LAUNCH_LAYER_SECONDS = 0.0009
"""What the calibrated simulator has, rounded: 29 ms for 32 layers."""
OTHER_LAUNCHES = (0.0003, 0.0006)
OTHER_LAUNCH_LOADS = ("chat", "long prompts", "mixed")
OTHER_LAUNCH_PROMISES = PROMISES[:4]
OTHER_LAUNCH_SEEDS = 2
NEAR_BEST = 0.96
"""Of the best on the first seed: statics below are not run on the second."""
CHOICE_SEEDS = 2
"""On the first ones the best settings are chosen; on the others nothing but these is run."""
COUNT_SEEDS = 3
"""On so many of the first ones bad requests are counted."""
LOAD_FACTORS = (0.8, 0.95, 1.1)
"""Of the best static's sustainable rate: where bad requests are counted, to the nearest rung."""
COUNTED = ("default", "single static", "best static", "learned 0.9")
"""Arms whose bad requests are counted."""

DEFAULT = Arm("fixed", TOKENS)


ONLY_CHOICE_SEEDS = ("oracle 0.9",)
"""Arms that are not run on the other seeds."""


class Case(NamedTuple):
    """One promise for one load on one kind of engine."""

    load: str
    launch_layer_seconds: float
    promise: int
    """Its place in PROMISES."""


Measure = Callable[[Trial], Outcome]


@dataclass
class Finding:
    """What each arm sustained on each seed, in requests a second, and its bad requests near that."""

    case: Case
    sustained: dict[str, list[float]] = field(default_factory=dict)
    arms: dict[str, Arm] = field(default_factory=dict)
    """Which setting stands behind a name: those called best have the highest median on
    the first seeds, of equals the highest setting."""
    bad_shares: dict[tuple[str, float], list[float]] = field(default_factory=dict)
    """By name and factor, a share of what was offered for each seed."""


def cases(seeds: int) -> Iterator[tuple[Case, int]]:
    """Yield each case and on how many of so many seeds it is run."""
    for load in LOADS:
        for promise in range(len(PROMISES)):
            yield Case(load, LAUNCH_LAYER_SECONDS, promise), seeds
    for launch in OTHER_LAUNCHES:
        for load in OTHER_LAUNCH_LOADS:
            for promise in range(len(OTHER_LAUNCH_PROMISES)):
                yield Case(load, launch, promise), min(seeds, OTHER_LAUNCH_SEEDS)


def statics(tokens: Sequence[int] = (*STATICS_TOKENS, *FINER_TOKENS)) -> list[Arm]:
    """Return the arms of fixed budgets."""
    return [Arm("fixed", each) for each in tokens]


def governed(kind: str, promise: int, share: float) -> Arm:
    """Return the arm whose target is that share of a promise's threshold."""
    return Arm(kind, round(PROMISES[promise].itl_seconds * share, 6))


class Comparison:
    """Finds what the cases come to, asking `measure` for each run that it needs."""

    def __init__(self, measure: Measure) -> None:
        self._measure = measure
        self._rungs: dict[tuple[Case, Arm, int], int | None] = {}
        self._near: dict[Case, int] = {}

    def single_static(self, launch_layer_seconds: float) -> Arm:
        """Return the fixed budget that sustains most over all cases on the first seed, each by its best."""
        of = [case for case, _ in cases(1) if case.launch_layer_seconds == launch_layer_seconds]
        candidates = statics(STATICS_TOKENS)
        sums = dict.fromkeys(candidates, 0.0)
        for case in of:
            rates = {arm: self.sustained(case, arm, 1) for arm in candidates}
            best = max(rates.values())
            for arm, rate in rates.items():
                sums[arm] += rate / best if best else 0.0
        return max(candidates, key=lambda arm: sums[arm])

    def sustained(self, case: Case, arm: Arm, seed: int) -> float:
        """Return the sustainable rate in requests a second, 0 when not even the lowest holds."""
        rung = self._rung(case, arm, seed)
        return 0.0 if rung is None else rate_per_second(LOADS[case.load].typical_rate_per_second, rung)

    def find(self, case: Case, seeds: int) -> Finding:
        """Return what came of a case on the seeds from 1 on."""
        finding = Finding(case)
        arms = {
            "default": [DEFAULT],
            "single static": [self.single_static(case.launch_layer_seconds)],
            "best static": self._worth_running(case, statics(STATICS_TOKENS)),
            "finer static": self._worth_running(case, statics()),
        }
        for kind in GOVERNORS:
            candidates = [governed(kind, case.promise, share) for share in TARGET_SHARES]
            best = max(candidates, key=lambda arm: self.sustained(case, arm, 1))
            fixed = governed(kind, case.promise, FIXED_SHARE)
            arms |= {f"{kind} {FIXED_SHARE}": [fixed], f"{kind} best": list({fixed: 0, best: 0})}
        chosen_on = range(1, min(seeds, CHOICE_SEEDS) + 1)
        for name, candidates in arms.items():
            rates = {arm: median(self.sustained(case, arm, seed) for seed in chosen_on) for arm in candidates}
            arm = finding.arms[name] = max(candidates, key=lambda each: (rates[each], each.value))
            run_on = chosen_on if name in ONLY_CHOICE_SEEDS else range(1, seeds + 1)
            finding.sustained[name] = [self.sustained(case, arm, seed) for seed in run_on]
        if median(finding.sustained["best static"]):
            self._count_bad(finding, min(seeds, COUNT_SEEDS))
        return finding

    def _worth_running(self, case: Case, arms: Sequence[Arm]) -> list[Arm]:
        rates = {arm: self.sustained(case, arm, 1) for arm in arms}
        return [arm for arm, rate in rates.items() if rate >= NEAR_BEST * max(rates.values())]

    def _count_bad(self, finding: Finding, seeds: int) -> None:
        case = finding.case
        chosen_on = range(1, min(seeds, CHOICE_SEEDS) + 1)
        rungs = [self._rung(case, finding.arms["best static"], seed) for seed in chosen_on]
        middle = round(median(LOWEST if each is None else each for each in rungs))
        for factor in LOAD_FACTORS:
            rung = middle + round(log(factor) / log(RUNG))
            for name, arm in finding.arms.items():
                if name not in COUNTED:
                    continue
                finding.bad_shares[name, factor] = [
                    self._bad_share(case, arm, seed, rung) for seed in range(1, seeds + 1)
                ]

    def _bad_share(self, case: Case, arm: Arm, seed: int, rung: int) -> float:
        outcome = self._run(case, arm, seed, rung)
        return outcome.bad[case.promise] / outcome.offered

    def _rung(self, case: Case, arm: Arm, seed: int) -> int | None:
        key = case, arm, seed
        if key not in self._rungs:
            promise = PROMISES[case.promise]
            start = self._rungs.get((case, arm, 1))
            if start is None:
                start = self._near.get(case, 0)
            found = highest_rung(lambda rung: self._run(case, arm, seed, rung).holds(promise), start)
            self._rungs[key] = found
            if found is not None:
                self._near[case] = max(found, self._near.get(case, found))
        return self._rungs[key]

    def _run(self, case: Case, arm: Arm, seed: int, rung: int) -> Outcome:
        rate = rate_per_second(LOADS[case.load].typical_rate_per_second, rung)
        return self._measure(Trial(case.load, case.launch_layer_seconds, arm, seed, rate))
