"""What every arm is told and makes of its visits."""

import pytest

from benchmarks.tuner.replay.arm import best_seen, nearest
from benchmarks.tuner.replay.visit import Cell
from tests.tuner_benchmark.builders import grid, problem, table, visit


@pytest.mark.parametrize(
    ("cells", "start"),
    [
        ([(128, 512), (128, 8192), (256, 8192), (256, 16384)], (256, 8192)),
        ([(1024, 8192), (2048, 8192)], (1024, 8192)),
        ([(512, 4096), (1024, 1024)], (512, 4096)),
        ([(512, 8192), (1024, 4096)], (1024, 4096)),
        ([(2048, 16384), (4096, 16384)], (2048, 16384)),
        ([(8, 256)], (8, 256)),
    ],
)
def test_the_start_is_the_cell_nearest_to_the_start_values_of_vllm(
    cells: list[tuple[int, int]], start: tuple[int, int]
) -> None:
    assert problem(table(*(visit(*cell) for cell in cells))).start == Cell(*start)


def test_the_nearest_cell_is_so_by_ratio() -> None:
    cells = grid([100, 150, 400], [512]).cells
    assert nearest(cells, Cell(200, 512)) == Cell(150, 512)
    assert nearest(cells, Cell(245, 512)) == Cell(400, 512)


def test_the_best_seen_keeps_the_promise() -> None:
    told = problem(grid([8, 16, 32], [512]))
    seen = [visit(8, 512, 100), visit(16, 512, 200), visit(32, 512, 300, itl=0.06)]
    assert best_seen(told, seen) == Cell(16, 512)


def test_a_cell_that_was_visited_again_is_known_by_its_medians() -> None:
    told = problem(grid([8, 16, 32], [512]))
    lucky = [visit(16, 512, 900, itl=0.049), visit(16, 512, 900, itl=0.06), visit(16, 512, 900, itl=0.055)]
    assert best_seen(told, [visit(8, 512, 100), *lucky]) == Cell(8, 512)


def test_who_saw_no_promise_kept_ends_at_the_start() -> None:
    told = problem(grid([8, 16, 32], [512]))
    assert best_seen(told, [visit(8, 512, ttft=2)]) == told.start == Cell(32, 512)
    assert best_seen(told, []) == Cell(32, 512)
