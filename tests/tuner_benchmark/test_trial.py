"""How an arm is run and judged."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.tuner.replay.arm import Entry
from benchmarks.tuner.replay.arms.registry import ARMS, arms
from benchmarks.tuner.replay.noise import NONE, Noise
from benchmarks.tuner.replay.promise import Promise
from benchmarks.tuner.replay.table import Table
from benchmarks.tuner.replay.trial import Outcome, run
from benchmarks.tuner.replay.visit import Cell, Visit
from tests.tuner_benchmark.builders import PROMISE, grid, problem, table, visit


@dataclass
class Scripted:
    """Visits given cells and ends at one."""

    cells: Sequence[Cell]
    last: Cell
    seen: list[Visit] = field(default_factory=list)

    def next(self, visits: Sequence[Visit]) -> Cell | None:
        self.seen = list(visits)
        return self.cells[len(visits)] if len(visits) < len(self.cells) else None

    def end(self, visits: Sequence[Visit]) -> Cell:
        self.seen = list(visits)
        return self.last


TABLE = table(
    visit(8, 512, 100), visit(16, 512, 200), visit(32, 512, 300, itl=0.06), visit(64, 512, 400, ttft=2)
)


def outcome(
    *cells: int, last: int, of: Table = TABLE, promise: Promise = PROMISE, noise: Noise = NONE
) -> Outcome:
    """Let an arm visit cells of 512 tokens and end at one; all by their sequences."""
    arm = Scripted([Cell(seqs, 512) for seqs in cells], Cell(last, 512))
    return run("scripted", Entry(lambda *_: arm), of, problem(of, promise), noise, seed=1)


def test_the_share_is_of_the_best_cell_that_keeps_the_promise() -> None:
    assert outcome(last=16).share == 1
    assert outcome(last=8).share == 0.5


def test_who_ends_where_the_promise_is_missed_has_nothing() -> None:
    assert outcome(last=32).share == outcome(last=64).share == 0


def test_visits_are_counted_and_those_of_cells_that_miss_the_promise() -> None:
    assert outcome(8, 32, 64, 32, last=8) == Outcome(share=0.5, evaluations=4, infeasible_visits=3)
    assert outcome(last=8).evaluations == 0


def test_the_table_judges_and_not_what_a_visit_showed() -> None:
    near = table(visit(8, 512, 100, itl=0.0499), visit(16, 512, 100, itl=0.0501))
    for seed in range(1, 20):
        arm = Scripted([Cell(8, 512), Cell(16, 512)], Cell(8, 512))
        found = run("scripted", Entry(lambda *_, arm=arm: arm), near, problem(near), Noise(), seed)
        assert found == Outcome(share=1, evaluations=2, infeasible_visits=1)


def test_where_no_cell_keeps_the_promise_to_stay_at_the_start_is_all_there_is() -> None:
    never = Promise(itl_p95_seconds=0.001)
    assert outcome(last=64, promise=never).share == 1
    assert outcome(8, last=8, promise=never) == Outcome(share=0, evaluations=1, infeasible_visits=1)


def test_an_arm_sees_what_it_visited_and_a_second_visit_anew() -> None:
    arm = Scripted([Cell(8, 512)] * 3, Cell(8, 512))
    run("scripted", Entry(lambda *_: arm), TABLE, problem(TABLE), Noise(), seed=1)
    assert len({each.tok_s for each in arm.seen}) == 3
    assert {each.cell for each in arm.seen} == {Cell(8, 512)}


def test_an_arm_that_never_settles_is_ended_after_forty_visits() -> None:
    assert outcome(*[8] * 100, last=8).evaluations == 40


def test_the_grid_may_visit_all_however_many_there_are() -> None:
    of = grid(range(1, 51), [512])
    assert run("grid", ARMS["grid"], of, problem(of), NONE, seed=1).evaluations == 50


def test_a_cell_that_is_not_there_is_the_arms_fault() -> None:
    with pytest.raises(ValueError, match=r"arm 'scripted' names Cell\(seqs=9, toks=512\)"):
        outcome(last=9)
    with pytest.raises(ValueError, match="which the table has not"):
        outcome(9, last=8)


figures = st.floats(0.001, 10, allow_subnormal=False)
rows = st.builds(visit, st.integers(1, 2048), st.integers(1, 16384), figures, figures, figures)


@settings(max_examples=12)
@given(st.lists(rows, min_size=1, max_size=12), st.sampled_from(["itl", "ttft", "both"]), st.integers(1, 3))
def test_every_arm_settles_within_any_table(some: list[Visit], promised: str, seed: int) -> None:
    of = table(*some)
    promise = {"itl": Promise(None, 0.5), "ttft": Promise(1.0), "both": Promise(1.0, 0.5)}[promised]
    told = problem(of, promise)
    for name, entry in arms(told).items():
        if name != "Optuna TPE 30":
            found = run(name, entry, of, told, Noise(), seed)
            assert 0 <= found.share <= 1
            assert 0 <= found.infeasible_visits <= found.evaluations <= 40
            assert run(name, entry, of, told, Noise(), seed) == found
