"""Which limits to try next, and where to stay: the most throughput with which a promise is probably kept.

All that was measured teaches the step's cost; the walk through steps (`batching`) makes figures of it for
every setting, also those that were never tried; what the model leaves unexplained is learnt where it shows
(`residuals`). A setting is worth its throughput times the chance that it keeps the promise. It is tried when
that may be more than what the best known one is worth, by the expected improvement (Mockus, 1978; with
feasibility as a factor, Schonlau, Welch and Jones, 1998).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import NormalDist

from setpoint.tuner.batching import Mix, Saturated, saturated
from setpoint.tuner.belief import Belief
from setpoint.tuner.residuals import Residuals, place
from setpoint.tuner.stepcost import UNKNOWN, StepCost
from setpoint_vllm.limits_file import Latency

LEAST_IMPROVEMENT = 0.01
"""No setting is tried for less, as a share of what the best known one is worth."""
LEAST_CHANCE = 0.2
"""Once a setting is known to hold, none is tried that keeps the promise with a smaller chance."""
SURE_CHANCE = 0.9
"""A setting that keeps the promise with less is measured again before anything stays there."""
HOPELESS_CHANCE = 0.05
"""A setting with less is taken not to keep it."""
LEAST_VISITS = 4
"""Nothing is given up before."""
ROOM_SHARES = (1.0, 0.7, 0.5, 0.35, 0.25, 0.18, 0.12, 0.08)
"""Of the clients, those that the KV cache may have room for at a time; whatever is beyond waits."""
ROOM_DEVIATION = 1.5
"""Of the logarithm of that share, as far as is known before."""
MOST_REPEATS = 5
MOST_VISITS = 12
"""What is not known by then is not worth knowing: traffic has changed meanwhile."""

THROUGHPUT = "throughput"
Figure = Latency | str
FIGURES: tuple[Figure, ...] = (THROUGHPUT, Latency.TTFT, Latency.ITL)
NOISE: Mapping[Figure, float] = {THROUGHPUT: 0.03, Latency.TTFT: 0.15, Latency.ITL: 0.08}
"""Standard deviation of the logarithm of one measurement of some ten seconds, on one H100."""
MODEL: Mapping[Figure, float] = {THROUGHPUT: 0.08, Latency.TTFT: 0.4, Latency.ITL: 0.2}
"""The same of what the model leaves unexplained: on an H100's closed-loop table 4, 30 and 13 %."""

DEVIATIONS: Mapping[Figure, float] = {figure: math.hypot(NOISE[figure], MODEL[figure]) for figure in FIGURES}
"""The same of a measurement around the model."""


@dataclass(frozen=True, order=True)
class Setting:
    """Limits of one rank."""

    seqs: int
    tokens: int


@dataclass(frozen=True)
class Visit:
    """What was measured at a setting."""

    setting: Setting
    tokens_per_second: float
    ttft_p95_seconds: float
    itl_p95_seconds: float

    def figure(self, figure: Figure) -> float:
        """One of FIGURES."""
        return {
            THROUGHPUT: self.tokens_per_second,
            Latency.TTFT: self.ttft_p95_seconds,
            Latency.ITL: self.itl_p95_seconds,
        }[figure]


@dataclass(frozen=True)
class Estimate:
    """What is believed of a setting: logarithms of its figures, with standard deviations."""

    setting: Setting
    figures: Mapping[Figure, tuple[float, float]]
    chance: float
    """That the promise is kept."""

    @property
    def throughput(self) -> float:
        """Output tokens a second that are most probable."""
        return math.exp(self.figures[THROUGHPUT][0])

    @property
    def worth(self) -> float:
        """Throughput times chance."""
        return self.throughput * self.chance

    def improvement(self, over: float) -> float:
        """How much more than `over` is expected, where less counts as nothing."""
        mean, deviation = self.figures[THROUGHPUT]
        deviation = max(deviation, 1e-6)
        middle = (mean - math.log(over)) / deviation if over > 0 else math.inf
        if math.isinf(middle):
            return self.worth
        chances = NormalDist()
        average = math.exp(mean + deviation**2 / 2)
        expected = average * chances.cdf(middle + deviation) - over * chances.cdf(middle)
        return self.chance * max(expected, 0.0)


@dataclass
class Search:
    """A closed loop of so many clients, and the settings to choose from.

    It keeps what it has computed of settings, and nothing of what was measured.
    """

    settings: Sequence[Setting]
    promise: Mapping[Latency, float]
    """Seconds that 95 % of each latency are to stay within."""
    clients: int
    mix: Mix
    prior: Belief = UNKNOWN
    _walks: dict[tuple[int, int], Saturated] = field(default_factory=dict)

    def estimates(self, visits: Sequence[Visit]) -> list[Estimate]:
        """Return what is believed of every setting after these visits."""
        room, belief = self._explanation(visits)
        places = [place(each.seqs, each.tokens) for each in self.settings]
        visited = [place(each.setting.seqs, each.setting.tokens) for each in visits]
        modelled = [self._modelled(each.setting, room, belief.mean) for each in visits]
        residuals = {
            figure: Residuals(
                visited,
                [
                    math.log(visit.figure(figure)) - expected[number]
                    for visit, expected in zip(visits, modelled, strict=True)
                ],
                MODEL[figure],
                NOISE[figure],
            ).at(places)
            for number, figure in enumerate(FIGURES)
        }
        found = []
        for index, setting in enumerate(self.settings):
            believed = belief.predicted(partial(self._modelled, setting, room))
            figures: dict[Figure, tuple[float, float]] = {}
            for figure, (expected, doubt) in zip(FIGURES, believed, strict=True):
                rest, deviation = residuals[figure][index]
                # Where the residual is known, so is the figure, whatever is believed of the coefficients.
                share = deviation / MODEL[figure]
                figures[figure] = expected + rest, math.hypot(deviation, doubt * share)
            found.append(Estimate(setting, figures, self._chance(figures)))
        return found

    def following(self, visits: Sequence[Visit]) -> Setting | None:
        """Return the setting to try next; None where the best is known, or none will keep the promise."""
        if len(visits) >= MOST_VISITS:
            return None
        estimates = self.estimates(visits)
        tried = {each.setting for each in visits}
        best = self._best(estimates, tried)
        floor = best.worth if best and best.chance >= 0.5 else 0.0
        untried = [
            each
            for each in estimates
            if each.setting not in tried and (not floor or each.chance >= LEAST_CHANCE)
        ]
        promising = max(untried, key=lambda each: each.improvement(floor), default=None)
        if promising and promising.improvement(floor) > LEAST_IMPROVEMENT * promising.throughput:
            return promising.setting
        if best is None or best.chance < HOPELESS_CHANCE:
            likeliest = max(untried, key=lambda each: each.chance, default=None)
            return likeliest.setting if likeliest and len(visits) < LEAST_VISITS else None
        repeats = sum(each.setting == best.setting for each in visits)
        return best.setting if best.chance < SURE_CHANCE and repeats < MOST_REPEATS else None

    def end(self, visits: Sequence[Visit]) -> Setting | None:
        """Return where to stay; None where nothing that was tried keeps the promise."""
        best = self._best(self.estimates(visits), {each.setting for each in visits})
        return None if best is None or best.chance < HOPELESS_CHANCE else best.setting

    @staticmethod
    def _best(estimates: Sequence[Estimate], tried: set[Setting]) -> Estimate | None:
        known = [each for each in estimates if each.setting in tried]
        return max(known, key=lambda each: each.worth, default=None)

    def _chance(self, figures: Mapping[Figure, tuple[float, float]]) -> float:
        chance = 1.0
        for latency, threshold in self.promise.items():
            mean, deviation = figures[latency]
            chance *= NormalDist().cdf((math.log(threshold) - mean) / max(deviation, 1e-6))
        return chance

    def _explanation(self, visits: Sequence[Visit]) -> tuple[float, Belief]:
        """The room of the KV cache and the cost that explain the visits best, as far as either is doubted."""
        if not visits:
            return 1.0, self.prior
        believed = {room: self._believed(visits, room) for room in ROOM_SHARES}
        return min(believed.items(), key=lambda each: self._misfit(visits, *each))

    def _believed(self, visits: Sequence[Visit], room: float) -> Belief:
        """What the visits teach of the cost, were the KV cache's room that share of the clients."""
        return self.prior.updated(
            lambda at: [each for visit in visits for each in self._modelled(visit.setting, room, at)],
            [visit.figure(figure) for visit in visits for figure in FIGURES],
            [DEVIATIONS[figure] for _ in visits for figure in FIGURES],
        )

    def _misfit(self, visits: Sequence[Visit], room: float, belief: Belief) -> float:
        """How badly the most probable cost explains the visits: squares of deviations, the prior's too."""
        squares = 0.0
        for visit in visits:
            expected = self._modelled(visit.setting, room, belief.mean)
            for figure, each in zip(FIGURES, expected, strict=True):
                squares += ((math.log(visit.figure(figure)) - each) / DEVIATIONS[figure]) ** 2
        return squares + self.prior.distance(belief.mean) + (math.log(room) / ROOM_DEVIATION) ** 2

    def _modelled(self, setting: Setting, room: float, logarithms: tuple[float, ...]) -> list[float]:
        """Logarithms of FIGURES."""
        seqs = min(setting.seqs, max(int(room * self.clients), 1))
        walk = self._walks.get((seqs, setting.tokens))
        if walk is None:
            walk = self._walks[seqs, setting.tokens] = saturated(seqs, setting.tokens, self.mix)
        cost = StepCost.of(logarithms)
        return [
            math.log(walk.output_tokens_per_second(cost)),
            math.log(walk.first_token_seconds(cost, self.clients - seqs)),
            math.log(walk.gap_seconds(cost)),
        ]
