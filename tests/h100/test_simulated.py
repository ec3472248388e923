"""Which rows of the H100 the built-in parameters have seen."""

import pytest

from benchmarks.h100.simulated import errors_of, is_fitted
from setpoint.simulator.check import Cell
from setpoint.simulator.measured import FIGURES, Row
from tests.h100.builders import line


def test_rows_whose_limits_the_plugin_moved_were_not_fitted() -> None:
    assert is_fitted(line("chat-512-44"))
    assert not is_fitted(line("chat-512-44", channel="setpoint_vllm"))


def test_rows_that_no_fit_has_seen_have_errors_of_their_own() -> None:
    measured = Row(1024, 512, dict.fromkeys(FIGURES, 100.0), 44.0)
    compared = [Cell(measured, dict.fromkeys(FIGURES, simulated)) for simulated in (110.0, 150.0)]
    rows = [line("chat-512-44"), line("chat-512-46", channel="setpoint_vllm")]
    assert errors_of(rows, compared, fitted=True) == pytest.approx(dict.fromkeys(FIGURES, 0.1))
    assert errors_of(rows, compared, fitted=False) == pytest.approx(dict.fromkeys(FIGURES, 0.5))
    assert errors_of(rows[:1], compared[:1], fitted=False) == {}
