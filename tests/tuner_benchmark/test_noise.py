"""What one visit of a cell shows of it."""

import math
from statistics import fmean, pstdev

import pytest

from benchmarks.tuner.replay.noise import NONE, Noise, parse_noise
from benchmarks.tuner.replay.visit import Cell, Visit
from tests.tuner_benchmark.builders import table, visit

MANY = range(2000)


def logarithms(noise: Noise, row: Visit, figure: str) -> list[float]:
    """Return ln(visited / true) over many visits."""
    of = table(row)
    visits = [noise.visit(of, row.cell, number, seed=1) for number in MANY]
    return [math.log(getattr(each, figure) / getattr(row, figure)) for each in visits]


@pytest.mark.parametrize(
    ("toks", "figure", "deviation"),
    [
        (2048, "tok_s", 0.04),
        (2048, "ttft_p95_seconds", 0.1),
        (2048, "itl_p95_seconds", 0.05),
        (2049, "itl_p95_seconds", 0.15),
    ],
)
def test_figures_are_lognormal_about_the_row(toks: int, figure: str, deviation: float) -> None:
    seen = logarithms(Noise(), visit(8, toks), figure)
    assert pstdev(seen) == pytest.approx(deviation, rel=0.1)
    assert fmean(seen) == pytest.approx(0, abs=deviation / 10)


def test_a_visit_is_the_same_whoever_makes_it_and_another_the_next_time() -> None:
    of, cell = table(visit(8, 512)), Cell(8, 512)
    first = Noise().visit(of, cell, 0, seed=1)
    assert Noise().visit(of, cell, 0, seed=1) == first
    assert Noise().visit(of, cell, 1, seed=1) != first
    assert Noise().visit(of, cell, 0, seed=2) != first


def test_a_visit_of_a_repeated_cell_is_one_of_its_rows() -> None:
    rows = [visit(8, 512, 100), visit(8, 512, 300, itl=0.06), visit(8, 512, 200)]
    of = table(*rows, visit(16, 512))
    seen = [Noise().visit(of, Cell(8, 512), number, seed=1) for number in MANY]
    assert {each.tok_s for each in seen} == {100, 200, 300}
    assert all(each in rows for each in seen)
    assert Noise().visit(of, Cell(16, 512), 0, seed=1) != visit(16, 512)


def test_without_noise_a_visit_is_the_row() -> None:
    assert parse_noise("none") == NONE
    assert NONE.visit(table(visit(8, 9000)), Cell(8, 9000), 0, seed=1) == visit(8, 9000)


def test_named_figures_replace_the_defaults_and_large_steps_follow_the_others() -> None:
    assert parse_noise("tok_s=0.1, ttft_p95=0") == Noise(tok_s=0.1, ttft_p95=0)
    assert parse_noise("itl_p95=0.2") == Noise(itl_p95=0.2, itl_p95_large=0.2)
    assert parse_noise("itl_p95_large=0.3,itl_p95=0.2") == Noise(itl_p95=0.2, itl_p95_large=0.3)
    assert parse_noise(str(Noise())) == Noise()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("itl=0.1", "'itl=0.1' names no figure: write none, or NAME=DEVIATION with tok_s, ttft_p95, itl_p95"),
        ("", "names no figure"),
        ("tok_s=much", "tok_s=much: 'much' is not a number from 0 to 2"),
        ("tok_s=nan", "is not a number from 0 to 2"),
        ("tok_s=-1", "is not a number from 0 to 2"),
        ("tok_s", "tok_s=: '' is not a number"),
        ("tok_s=0.1,tok_s=0.2", "has tok_s twice"),
    ],
)
def test_noise_that_is_none_is_refused(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_noise(text)
