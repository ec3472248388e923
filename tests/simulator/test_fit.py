import math
from dataclasses import asdict, replace
from functools import partial

import pytest

from setpoint.simulator.check import median_errors
from setpoint.simulator.fit import cells, fit
from setpoint.simulator.measured import ClosedLoop, Row
from setpoint.simulator.parameters import TYPICAL, Parameters, built_in
from setpoint.simulator.replay import replay
from tests.simulator.builders import machine

LIMITS = [(8, 512), (32, 512), (32, 2048), (16, 512)]


def table(truth: Parameters) -> ClosedLoop:
    """Return what an H100 with these parameters would have been measured at."""
    empty = ClosedLoop(32, 256, 64, tuple(Row(*limits, {}) for limits in LIMITS))
    figures = replay(empty, machine(), truth)
    return replace(
        empty, rows=tuple(Row(*limits, each) for limits, each in zip(LIMITS, figures, strict=True))
    )


def test_a_replay_with_the_true_parameters_has_no_error() -> None:
    errors = median_errors(cells(table(TYPICAL), machine(), TYPICAL))
    assert errors == {"tok_s": 0, "ttft_p95": 0, "itl_p95": 0}


def test_a_fit_comes_nearer_to_another_machine() -> None:
    truth = replace(TYPICAL, weight_bandwidth_share=0.55, flops_share=0.45)
    measured = table(truth)
    before = median_errors(cells(measured, machine(), TYPICAL))
    found = fit([partial(cells, measured, machine())], TYPICAL, evaluations=40)
    after = median_errors(cells(measured, machine(), found.parameters))
    assert found.evaluations <= 40
    assert after["tok_s"] < before["tok_s"] / 2
    assert found.parameters.weight_bandwidth_share < 0.75


def test_rows_that_do_not_count_are_not_fitted() -> None:
    right, wrong = table(TYPICAL), table(replace(TYPICAL, flops_share=0.2))
    mixed = replace(right, rows=(*right.rows[:3], wrong.rows[3]))
    found = fit([partial(cells, mixed, machine())], TYPICAL, evaluations=1, counts=lambda number: number < 3)
    assert found.loss == pytest.approx(0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("flops_share", 1.2),
        ("flops_share", 0),
        ("overlap", 0.5),
        ("step_seconds", -1),
        ("step_seconds", "1"),
        ("flops_share", True),
        ("step_seconds", math.nan),
    ],
)
def test_parameters_out_of_bounds_are_named(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"{name}: {value!r} is out of bounds"):
        Parameters.parse(asdict(TYPICAL) | {name: value})


def test_parameters_that_are_missing_are_named() -> None:
    content = asdict(TYPICAL)
    del content["overlap"]
    with pytest.raises(ValueError, match=r"missing \['overlap'\], unknown \['overlaps'\]"):
        Parameters.parse(content | {"overlaps": 3})


def test_a_gpu_without_parameters_is_told_with_those_that_have_some() -> None:
    with pytest.raises(ValueError, match="no built-in parameters for GPU 'A100', only for H100"):
        built_in("A100")
