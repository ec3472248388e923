"""Searches that try limits on the live load, then keep to the best: by chance, and by TPE."""

from abc import abstractmethod
from collections.abc import Sequence
from random import Random
from typing import Any

from benchmarks.tuner.windowed import BUDGET_VISITS, SEQUENCES, TOKENS, Seen, Windowed, knobs_of
from setpoint.tuner.knobs import Knobs, Start
from setpoint.tuner.promise import Objective


class Sampling(Windowed):
    """Visits so many limits, the start's first; what is feasible is better than what is not."""

    def __init__(self, objectives: Sequence[Objective], start: Start) -> None:
        super().__init__(objectives, start)
        self.tokens = [each for each in TOKENS if each <= start.tokens]
        self.sequences = [each for each in SEQUENCES if each <= start.seqs]
        self._visits: list[tuple[bool, float, Knobs]] = []

    def next_knobs(self, window: Seen) -> Knobs:
        """Return the next limits to visit; the best when the budget is spent."""
        if len(self._visits) < BUDGET_VISITS:
            self._visits.append((window.is_feasible, window.score, self.knobs))
            self.learn(window)
        if len(self._visits) < BUDGET_VISITS:
            return self.suggest()
        return max(self._visits, key=lambda each: each[:2])[2]

    def learn(self, window: Seen) -> None:
        """Take in what the limits did that were visited."""

    @abstractmethod
    def suggest(self) -> Knobs:
        """Return what to visit next."""


class RandomSearch(Sampling):
    """Each of the two limits by chance, from the same places as the others take."""

    def __init__(self, objectives: Sequence[Objective], start: Start, seed: int) -> None:
        super().__init__(objectives, start)
        self._random = Random(f"random search {seed}")

    def suggest(self) -> Knobs:
        """Return limits by chance."""
        tokens, sequences = self._random.choice(self.tokens), self._random.choice(self.sequences)
        return knobs_of(tokens, sequences, self.start)


STARTUP_VISITS = 4
"""TPE draws so many by chance; its default, 10, would leave it two."""


class Tpe(Sampling):
    """Optuna's tree-structured Parzen estimator, with each objective as a constraint."""

    def __init__(self, objectives: Sequence[Objective], start: Start, seed: int) -> None:
        import optuna

        super().__init__(objectives, start)
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP_VISITS)
        self._study = optuna.create_study(direction="maximize", sampler=sampler)
        self._study.enqueue_trial({"tokens": self.tokens[-1], "sequences": self.sequences[-1]})
        self._trial: Any = None
        self.suggest()

    def learn(self, window: Seen) -> None:
        """Tell the study."""
        for objective, excess in zip(self.objectives, window.excess_shares, strict=True):
            self._trial.set_constraint(objective.name, excess)
        self._study.tell(self._trial, window.score)

    def suggest(self) -> Knobs:
        """Ask the study."""
        self._trial = self._study.ask()
        tokens = self._trial.suggest_categorical("tokens", self.tokens)
        sequences = self._trial.suggest_categorical("sequences", self.sequences)
        return knobs_of(tokens, sequences, self.start)
