import pytest

from setpoint.simulator.check import Cell, median_errors, rank_correlations
from setpoint.simulator.measured import Row


def cell(measured: float, simulated: float) -> Cell:
    row = Row(8, 512, {"tok_s": measured, "ttft_p95": measured, "itl_p95": measured})
    return Cell(row, {"tok_s": simulated, "ttft_p95": measured, "itl_p95": 1.0})


def test_the_median_error_is_relative_to_what_was_measured() -> None:
    cells = [cell(10, 11), cell(10, 8), cell(10, 15)]
    assert median_errors(cells)["tok_s"] == pytest.approx(0.2)
    assert median_errors(cells)["ttft_p95"] == 0


@pytest.mark.parametrize(
    ("simulated", "expected"), [((1, 2, 3, 400), 1.0), ((4, 3, 2, 1), -1.0), ((1, 3, 2, 4), 0.8)]
)
def test_ranks_are_correlated_whatever_the_distances(simulated: tuple[int, ...], expected: float) -> None:
    cells = [cell(measured, each) for measured, each in zip((10, 20, 30, 40), simulated, strict=True)]
    assert rank_correlations(cells)["tok_s"] == pytest.approx(expected)


def test_equal_values_share_a_rank() -> None:
    cells = [cell(10, 1), cell(20, 1), cell(30, 2)]
    assert rank_correlations(cells)["tok_s"] == pytest.approx(0.866, abs=0.001)


def test_ranks_of_what_never_changes_are_not_correlated() -> None:
    assert rank_correlations([cell(10, 1), cell(20, 2)])["itl_p95"] is None
    assert rank_correlations([cell(10, 1)])["tok_s"] is None
