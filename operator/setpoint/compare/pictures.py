"""Plots as SVG that takes its colours from the page around it, the same bytes for the same data."""

import io
import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from setpoint.compare.curves import Curve, Plot, Point

COLOURS = 8
"""How many the page has to define, as `--curve-0` and so on; further curves differ by line and marker."""
_INK = "#010101"
"""Stands for the colour of the page's text."""
_CURVES = [f"#0102{number:02x}" for number in range(COLOURS)]
"""Stand for the page's colours of curves."""
_Line = Literal["-", "--", ":"]
_LINES: tuple[_Line, ...] = ("-", "--", ":")
_MARKERS = "os^Dv"
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_SHORT_NAME = 12
"""Characters up to which three names stand side by side in a legend."""
_WIDE_RANGE = 20
"""An axis whose values span more than this factor is logarithmic."""
_OPEN = 1.15
"""So many times as high as its value the arrow of an open bound ends."""
_STYLE: dict[Any, object] = {
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.constrained_layout.use": True,
    "font.family": ["DejaVu Sans"],  # comes with matplotlib: what fits does not depend on the machine
    "font.size": 10,
    "grid.alpha": 0.2,
    "grid.color": _INK,
    "legend.frameon": False,
    "legend.labelcolor": _INK,
    "svg.fonttype": "none",  # text stays text: it can be read aloud, searched and scaled
    "text.color": _INK,
    "text.parse_math": False,
    "xtick.color": _INK,
    "ytick.color": _INK,
}


def svg(plot: Plot) -> Markup:
    """Return the plot as an SVG element, for a page that defines the colours."""
    with mpl.rc_context({**_STYLE, "svg.hashsalt": plot.name}):
        names = 3 if max(len(curve.name) for curve in plot.curves) <= _SHORT_NAME else 1
        figure = Figure(figsize=(5, 3.3 + 0.2 * len(plot.curves) / names))
        axes = figure.add_subplot()
        for number, curve in enumerate(plot.curves):
            _draw(axes, curve, number)
        points = [point for curve in plot.curves for point in curve.points]
        ys = [bound for point in points for bound in (point.y.low, _top(point))]
        if plot.limit is not None and not _is_far_above(plot.limit, points):
            axes.axhline(plot.limit, color=_INK, linestyle="--", linewidth=1)
            ys.append(plot.limit)
        _scale(axes, "x", [point.x for point in points])
        _scale(axes, "y", ys)
        axes.set(xlabel=plot.x_label, ylabel=plot.y_label)
        axes.grid(visible=True)
        figure.legend(handles=list(_legend(plot, points)), loc="outside upper left", ncols=names, fontsize=9)
        written = io.StringIO()
        figure.savefig(written, format="svg", transparent=True, metadata=_NO_METADATA)
    return _for_page(written.getvalue(), plot)


def _draw(axes: Axes, curve: Curve, number: int) -> None:
    colour = _CURVES[number % COLOURS]
    xs, ys = [point.x for point in curve.points], [point.y.value for point in curve.points]
    noise = (
        [point.y.value - point.y.low for point in curve.points],
        [_top(point) - point.y.value for point in curve.points],
    )
    axes.errorbar(xs, ys, noise, color=colour, linestyle=_line(number), elinewidth=1, capsize=2)
    for point in curve.points:
        if point.y.high is None:
            above = [[0.0], [_top(point) - point.y.value]]
            axes.errorbar(point.x, point.y.value, above, lolims=True, color=colour, elinewidth=1)
        face = colour if point.stationary else "none"
        axes.plot(
            point.x, point.y.value, marker=_marker(number), color=colour, markerfacecolor=face, markersize=5
        )
        if point.sweet:
            axes.plot(point.x, point.y.value, marker="*", color=colour, markersize=14)


def _is_far_above(limit: float, points: Sequence[Point]) -> bool:
    """Return whether drawing the limit would press the curves to the bottom."""
    return limit > 2 * max(map(_top, points))


def _top(point: Point) -> float:
    """Return the upper bound, or where the arrow of an open one ends."""
    return point.y.value * _OPEN if point.y.high is None else point.y.high


def _marker(number: int) -> str:
    return _MARKERS[number % len(_MARKERS)]


def _line(number: int) -> _Line:
    return _LINES[number // COLOURS % len(_LINES)]


def _scale(axes: Axes, name: str, values: Sequence[float]) -> None:
    """Make the axis logarithmic where values lie far apart; else let it begin at zero."""
    if min(values) > 0 and max(values) / min(values) > _WIDE_RANGE:
        axes.set(**{f"{name}scale": "log"})
        axis = axes.xaxis if name == "x" else axes.yaxis
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
    else:
        axes.set(**{f"{name}lim": (0, max(values) * 1.08 or 1)})


def _legend(plot: Plot, points: Sequence[Point]) -> Iterator[Line2D]:
    for number, curve in enumerate(plot.curves):
        yield Line2D(
            [],
            [],
            color=_CURVES[number % COLOURS],
            linestyle=_line(number),
            marker=_marker(number),
            label=curve.name,
        )
    if plot.limit is not None:
        above = ", above" if _is_far_above(plot.limit, points) else ""
        yield Line2D([], [], color=_INK, linestyle="--", linewidth=1, label=f"SLO: {plot.limit:g}{above}")
    if any(point.sweet for point in points):
        yield Line2D([], [], color=_INK, linestyle="", marker="*", markersize=11, label="sweet spot")
    if any(point.y.high is None for point in points):
        yield Line2D([], [], color=_INK, linestyle="", marker="^", markersize=5, label="no upper bound")
    if not all(point.stationary for point in points):
        yield Line2D(
            [], [], color=_INK, linestyle="", marker="o", markerfacecolor="none", label="not stationary"
        )


def _for_page(written: str, plot: Plot) -> Markup:
    """Keep the element alone, name it, make its ids its own, and give it the page's colours."""
    element = written[written.index("<svg") :]
    element = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{plot.name}-", element)
    element = element.replace(_INK, "currentColor")
    for number, colour in enumerate(_CURVES):
        element = element.replace(colour, f"var(--curve-{number})")
    return Markup(f'<svg role="img" aria-label="{escape(plot.title)}"') + Markup(element.removeprefix("<svg"))  # noqa: S704  matplotlib escapes text
