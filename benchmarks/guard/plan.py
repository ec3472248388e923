"""What the guard is tried on: every combination of a test, a load, a number of replicas and a promise."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache

from benchmarks.virtual.engine import start_of
from benchmarks.virtual.load import Phase
from benchmarks.virtual.run import Run, run
from benchmarks.virtual.services import CHAT, DOCUMENTS, LONG_ANSWERS, objectives, service
from benchmarks.virtual.steering import Tuner
from setpoint.simulator.experiment import Requests
from setpoint.tuner.knobs import Knobs
from setpoint.tuner.promise import Objective
from setpoint.tuner.state import Mode, Settings

WINDOW_SECONDS = 600.0
FACTOR = 1.3
LOADS: dict[str, Requests] = {"chat": CHAT, "documents": DOCUMENTS, "long answers": LONG_ANSWERS}
PROMISES: dict[str, tuple[Objective, ...]] = {
    "tight": objectives(itl_seconds=0.03, ttft_seconds=1.0),
    "loose": objectives(itl_seconds=0.1, ttft_seconds=2.0),
}
REPLICAS = (1, 2)
BLIND_FROM_SECONDS, BLIND_UNTIL_SECONDS = 1000.0, 2900.0
"""Longer than a lease: a limit that is moved when it begins is not at its end."""
OUTAGE_SECONDS = 2980.0


@dataclass(frozen=True)
class Test:
    """A load over time, and when the tuner can read nothing."""

    phases: Callable[[float], list[Phase]]
    """By the capacity in requests a second."""
    is_blind: Callable[[float], bool] = lambda _: False


def overload(capacity_per_second: float, factor: float = FACTOR) -> list[Phase]:
    """Return two quiet minutes, ten of overload, and eight quiet ones."""
    quiet = 0.8 * capacity_per_second
    return [Phase(120, quiet), Phase(600, factor * capacity_per_second), Phase(480, quiet)]


def outage(capacity_per_second: float) -> list[Phase]:
    """Return an overload of fifty minutes between two quiet times."""
    quiet = 0.8 * capacity_per_second
    return [Phase(120, quiet), Phase(OUTAGE_SECONDS, FACTOR * capacity_per_second), Phase(480, quiet)]


def near_capacity(capacity_per_second: float) -> list[Phase]:
    """Return twenty minutes of almost as much as the start values can answer, where a guard may do harm."""
    return [Phase(1200, 0.95 * capacity_per_second)]


TESTS = {
    "near capacity": Test(near_capacity),
    "overload": Test(overload),
    "outage": Test(outage, lambda now: BLIND_FROM_SECONDS <= now < BLIND_UNTIL_SECONDS),
}


@dataclass(frozen=True)
class Cell:
    """What one seed is run on: the promises are judged on the same run where nothing is steered."""

    test: str
    load: str
    replicas: int
    seed: int


@dataclass(frozen=True)
class Row:
    """How one seed came out under one promise: bad requests of each window without and with the guard."""

    test: str
    load: str
    replicas: int
    promise: str
    seed: int
    offered: int
    without: tuple[int, ...]
    guarded: tuple[int, ...]
    changes: int
    lease_ran_out: bool


def cells(seeds: int) -> Iterator[Cell]:
    """Yield all cells of a seed before those of the next, so that an early end leaves whole seeds."""
    for seed in range(1, seeds + 1):
        for name in TESTS:
            for load in LOADS:
                yield from (Cell(name, load, replicas, seed) for replicas in REPLICAS)


@cache
def capacity_per_second(load: str) -> float:
    """Return what one engine at its start values answers a second while more than that waits."""
    settings = Settings(Mode.DISABLED, PROMISES["loose"])
    seconds, rate = 400.0, {"chat": 100.0, "documents": 20.0, "long answers": 20.0}[load]
    engines = service()
    tuner = Tuner(settings, start_of(engines))
    saturated = run(engines, [Phase(seconds, rate)], LOADS[load], tuner, seed=0, drain_seconds=0)
    ends = (each.ended_seconds for each in saturated.record.answers)
    return sum(seconds / 2 <= end < seconds for end in ends) / (seconds / 2)


def rows(cell: Cell) -> list[Row]:
    """Run one cell without the guard and, for each promise, with it."""
    test = TESTS[cell.test]
    phases = test.phases(cell.replicas * capacity_per_second(cell.load))

    def steered(mode: Mode, promise: tuple[Objective, ...]) -> Run:
        settings = Settings(mode, promise, writer="benchmark")
        engines = service(replicas=cell.replicas)
        tuner = Tuner(settings, start_of(engines))
        return run(engines, phases, LOADS[cell.load], tuner, cell.seed, is_blind=test.is_blind)

    without = steered(Mode.DISABLED, PROMISES["loose"])
    return [_row(cell, name, without, steered(Mode.AUTO, promise)) for name, promise in PROMISES.items()]


def _row(cell: Cell, promise: str, without: Run, guarded: Run) -> Row:
    alone = replace(without, objectives=PROMISES[promise])
    return Row(
        test=cell.test,
        load=cell.load,
        replicas=cell.replicas,
        promise=promise,
        seed=cell.seed,
        offered=len(guarded.offered),
        without=tuple(alone.bad(WINDOW_SECONDS)),
        guarded=tuple(guarded.bad(WINDOW_SECONDS)),
        changes=sum(each.is_applied for _, each in guarded.decisions),
        lease_ran_out=cell.test == "outage" and _lease_ran_out(guarded),
    )


def _lease_ran_out(guarded: Run) -> bool:
    """Whether a limit was moved when the outage began: it was lent for no longer than to its end."""
    knobs = Knobs()
    for now, decision in guarded.decisions:
        if decision.change and decision.is_applied and now < BLIND_FROM_SECONDS:
            knobs = decision.change.after
    return knobs != Knobs()
