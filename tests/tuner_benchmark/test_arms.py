"""How each arm chooses."""

from random import Random

from benchmarks.tuner.replay.arms.aimd import aimd
from benchmarks.tuner.replay.arms.fixed import Fixed, statics
from benchmarks.tuner.replay.arms.hill_climb import hill_climb
from benchmarks.tuner.replay.arms.planned import auto_tune, random_search
from benchmarks.tuner.replay.arms.planned import grid as whole_grid
from benchmarks.tuner.replay.arms.tpe import tpe
from benchmarks.tuner.replay.table import Table
from benchmarks.tuner.replay.visit import Cell
from tests.tuner_benchmark.builders import grid, problem, table, visit, visited

SEQS, TOKS = [32, 64, 128, 256], [512, 1024, 2048, 8192]


def late(most: int) -> Table:
    """Return a table with gaps that are too long above so many sequences."""
    return table(*(visit(seqs, 8192, tok_s=seqs, itl=0.04 if seqs <= most else 0.06) for seqs in SEQS))


def test_fixed_limits_visit_nothing() -> None:
    arm = Fixed(Cell(8, 512))
    assert arm.next([]) is None
    assert arm.end([]) == Cell(8, 512)


def test_each_column_of_a_static_budget_is_one() -> None:
    found = statics(grid([64, 256, 512, 2048], [256, 512, 2048, 8192]).cells)
    assert found == {256: Cell(256, 256), 512: Cell(512, 512), 2048: Cell(512, 2048)}


def test_a_static_budget_below_all_sequences_of_its_column_has_the_fewest() -> None:
    assert statics(grid([1024, 2048], [512]).cells) == {512: Cell(1024, 512)}


def test_random_search_visits_twelve_cells_once_each_and_others_with_another_seed() -> None:
    of = grid(SEQS, TOKS)
    first = visited(random_search, of)
    assert len(first) == len(set(first)) == 12
    assert visited(random_search, of) == first
    assert visited(random_search, of, seed=2) != first


def test_random_search_on_a_small_grid_visits_all() -> None:
    of = grid([8], [512, 1024])
    assert sorted(visited(random_search, of)) == list(of.cells)


def test_the_grid_visits_every_cell() -> None:
    of = grid(SEQS, TOKS)
    assert visited(whole_grid, of) == list(of.cells)


def test_auto_tune_visits_the_grid_of_vllms_script_as_far_as_there_is_one() -> None:
    found = visited(auto_tune, grid(SEQS, [256, 512, 1024, 2048]))
    assert found == [Cell(seqs, toks) for seqs in (128, 256) for toks in (512, 1024, 2048)]
    assert visited(auto_tune, grid([8], [512])) == [Cell(8, 512)]


def test_aimd_halves_the_sequences_until_the_promise_is_kept_and_steps_up_until_it_is_not() -> None:
    of = table(
        *(visit(seqs, 8192, tok_s=seqs, itl=0.04 if seqs <= 96 else 0.06) for seqs in (16, 64, 96, 128, 256))
    )
    assert [cell.seqs for cell in visited(aimd, of)] == [256, 128, 64, 96]
    assert aimd(problem(of), Random(1)).end([of.truth(cell) for cell in visited(aimd, of)]) == Cell(96, 8192)


def test_aimd_stays_at_the_start_where_that_keeps_the_promise() -> None:
    assert visited(aimd, late(most=256)) == [Cell(256, 8192)]


def test_aimd_goes_down_to_the_end_where_nothing_helps() -> None:
    assert [cell.seqs for cell in visited(aimd, late(most=0))] == [256, 128, 64, 32]


def test_aimd_leaves_the_budget_of_tokens_alone() -> None:
    assert {cell.toks for cell in visited(aimd, grid(SEQS, TOKS))} == {8192}


def test_the_hill_climb_steps_to_the_top_of_a_hill_and_tries_all_sides_of_it() -> None:
    # A ridge of kept promises falls off to both sides of 1024 tokens.
    of = table(*(
        visit(seqs, toks, tok_s=seqs - abs(toks - 1024) / 64, itl=0.04 if toks <= 2048 else 0.06 + toks / 1e6)
        for seqs in SEQS for toks in TOKS
    ))  # fmt: skip
    found = visited(hill_climb, of)
    assert found[0] == Cell(256, 8192)
    assert hill_climb(problem(of), Random(1)).end([of.truth(cell) for cell in found]) == Cell(256, 1024)
    assert {Cell(256, 512), Cell(256, 2048), Cell(128, 1024)} <= set(found)
    assert len(found) == len(set(found))


def test_the_hill_climb_goes_where_a_missed_promise_is_missed_by_less() -> None:
    of = table(*(visit(256, toks, itl=0.05 + toks / 1e5) for toks in (512, 1024, 2048, 8192)))
    assert [cell.toks for cell in visited(hill_climb, of)] == [8192, 2048, 1024, 512]


def test_the_hill_climb_steps_over_holes_of_a_ragged_grid() -> None:
    of = table(visit(256, 8192, 1), visit(256, 512, 2), visit(8, 512, 3))
    assert visited(hill_climb, of) == [Cell(256, 8192), Cell(256, 512), Cell(8, 512)]


def test_optuna_begins_at_the_start_spends_its_budget_and_is_repeatable() -> None:
    of = grid(SEQS, TOKS)
    found = visited(tpe(12), of)
    assert found[0] == Cell(256, 8192)
    assert len(found) == 12
    assert visited(tpe(12), of) == found
    assert visited(tpe(12), of, seed=2) != found


def test_optuna_turns_from_cells_that_miss_the_promise() -> None:
    itl = {toks: 0.04 if toks <= 512 else 0.06 for toks in TOKS}
    of = table(*(visit(seqs, toks, tok_s=seqs + toks, itl=itl[toks]) for seqs in SEQS for toks in TOKS))
    later = visited(tpe(30), of)[10:]
    assert sum(cell.toks == 512 for cell in later) > len(later) / 2


def test_optuna_visits_the_nearest_cell_where_a_ragged_grid_has_a_hole() -> None:
    of = table(visit(8, 512), visit(256, 8192), visit(8, 8192))
    assert set(visited(tpe(12), of)) <= set(of.cells)
    assert set(visited(tpe(12), grid([8], [512]))) == {Cell(8, 512)}
