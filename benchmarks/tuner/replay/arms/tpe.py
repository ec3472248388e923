"""Optuna's tree-structured Parzen estimator with the objectives as its constraints.

It is asked for places in the lists of the grid's sequences and tokens; where the grid has no such cell it
visits the nearest. The first trial is the start, which one has anyway; a third of the budget, at most the ten
that are Optuna's own, is drawn before the estimator has its say.
"""

from collections.abc import Callable, Sequence
from math import log
from random import Random

import optuna

from benchmarks.tuner.replay.arm import Problem, best_seen, nearest
from benchmarks.tuner.replay.visit import Cell, Visit

_MOST_STARTUP_TRIALS = 10
_SEEDS = 2**31


class Tpe:
    """Tells the study of each visit, and asks it for the next cell, until the budget is spent."""

    def __init__(self, problem: Problem, random: Random, budget: int) -> None:
        self._problem = problem
        self._budget = budget
        self._seqs = sorted({cell.seqs for cell in problem.cells})
        self._toks = sorted({cell.toks for cell in problem.cells})
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        sampler = optuna.samplers.TPESampler(
            seed=random.randrange(_SEEDS), n_startup_trials=min(budget // 3, _MOST_STARTUP_TRIALS)
        )
        self._study = optuna.create_study(direction="maximize", sampler=sampler)
        start = problem.start
        self._study.enqueue_trial(
            {"seqs": self._seqs.index(start.seqs), "toks": self._toks.index(start.toks)}
        )
        self._trial: optuna.Trial | None = None

    def next(self, visits: Sequence[Visit]) -> Cell | None:
        """Return the cell of the next trial."""
        if self._trial is not None:
            self._tell(self._trial, visits[-1])
        if len(visits) == self._budget:
            return None
        self._trial = trial = self._study.ask()
        seqs = self._seqs[trial.suggest_int("seqs", 0, len(self._seqs) - 1)]
        toks = self._toks[trial.suggest_int("toks", 0, len(self._toks) - 1)]
        return nearest(self._problem.cells, Cell(seqs, toks))

    def end(self, visits: Sequence[Visit]) -> Cell:
        """Return the best that was seen."""
        return best_seen(self._problem, visits)

    def _tell(self, trial: optuna.Trial, visit: Visit) -> None:
        for number, share in enumerate(self._problem.promise.shares(visit)):
            trial.set_constraint(f"objective {number}", log(share))
        self._study.tell(trial, visit.tok_s)


def tpe(budget: int) -> Callable[[Problem, Random], Tpe]:
    """Return what builds the arm for so many visits."""
    return lambda problem, random: Tpe(problem, random, budget)
