"""Simulated against measured: errors cell by cell, in the median, and whether cells are ranked alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import StatisticsError, correlation, median

from setpoint.simulator.measured import FIGURES, Row


@dataclass(frozen=True, slots=True)
class Cell:
    """One row, measured and simulated."""

    row: Row
    simulated: dict[str, float]

    def error(self, figure: str) -> float:
        """Return the simulated figure's relative error."""
        measured = self.row.figures[figure]
        return abs(self.simulated[figure] - measured) / measured


def median_errors(cells: Sequence[Cell]) -> dict[str, float]:
    """Return the median relative error of each figure over the cells."""
    return {figure: median(cell.error(figure) for cell in cells) for figure in FIGURES}


def rank_correlations(cells: Sequence[Cell]) -> dict[str, float | None]:
    """Return Spearman's correlation of measured and simulated for each figure; None where all are equal."""
    return {
        figure: _spearman(
            [cell.row.figures[figure] for cell in cells], [cell.simulated[figure] for cell in cells]
        )
        for figure in FIGURES
    }


def _spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
    try:
        return correlation(_ranks(first), _ranks(second))
    except StatisticsError:
        return None  # fewer than two cells, or all alike


def _ranks(values: Sequence[float]) -> list[float]:
    """Return each value's place from the least, equal ones sharing the mean of theirs."""
    places: dict[float, list[int]] = {}
    for place, value in enumerate(sorted(values)):
        places.setdefault(value, []).append(place)
    return [sum(places[value]) / len(places[value]) for value in values]
