import pytest

from setpoint.compare.curves import Curve, Plot, Point
from setpoint.compare.pictures import COLOURS, svg
from setpoint.loadgen.report import OpenEstimate
from tests.compare.builders import estimate


def plot(*values: float, curves: int = 1, name: str = "A", limit: float | None = None) -> Plot:
    points = tuple(Point(x, estimate(y), stationary=True) for x, y in enumerate(values, start=1))
    drawn = tuple(Curve(f"{name}{number}", points) for number in range(curves))
    return Plot("ttft", "TTFT <p95>", "clients", "ms", drawn, limit)


@pytest.mark.parametrize(("limit", "told"), [(100, "SLO: 100"), (1000, "SLO: 1000, above")])
def test_the_threshold_is_told_also_where_it_lies_above_the_plot(limit: float, told: str) -> None:
    assert f">{told}</text>" in svg(plot(50, 80, limit=limit))


def test_numbers_of_a_logarithmic_axis_are_plain() -> None:
    picture = svg(plot(0.5, 10, 300))
    assert ">100</text>" in picture
    assert "mathdefault" not in picture


@pytest.mark.parametrize("values", [(0,), (0, 0), (1e-9,), (1e9,)])
def test_extreme_values_can_be_drawn(values: tuple[float, ...]) -> None:
    assert svg(plot(*values)).startswith("<svg")


def test_more_curves_than_colours_can_be_drawn() -> None:
    assert f"A{3 * COLOURS}</text>" in svg(plot(1, 2, curves=3 * COLOURS + 1))


def test_text_of_a_plot_is_text() -> None:
    picture = svg(plot(1, name="$x^2$<b>"))
    assert 'aria-label="TTFT &lt;p95&gt;"' in picture
    assert "$x^2$&lt;b&gt;0</text>" in picture


def test_an_open_bound_is_drawn_and_told() -> None:
    open_point = Point(2, OpenEstimate(value=20, low=18, high=None), stationary=True)
    closed = Point(1, estimate(10), stationary=True)
    told = [
        svg(Plot("p", "Title", "x", "y", (Curve("A", points),)))
        for points in ((closed,), (closed, open_point))
    ]
    assert ["no upper bound" in each for each in told] == [False, True]
