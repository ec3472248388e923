"""What the plots show, as data: which curves, through which points, under which axes."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from setpoint.compare.comparison import Comparison
from setpoint.compare.cost import Price, per_million
from setpoint.compare.figures import OUTPUT_TOKENS, PERCENTILES, Figure, latency
from setpoint.compare.loads import common_loads, stages_by_load
from setpoint.compare.runs import Run, same_slo
from setpoint.compare.sweetspot import SweetSpot
from setpoint.loadgen.report import OpenEstimate, Stage
from setpoint.workload.objectives import Metric, parse_slo

_KINDS = {"rate": "requests/s offered", "trace": "requests/s of a trace", "clients": "clients"}
_WHOLE = re.compile(r"[0-9]{1,9}")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,40}")


@dataclass(frozen=True, slots=True)
class Point:
    """One measured stage."""

    x: float
    y: OpenEstimate
    stationary: bool
    sweet: bool = False
    """Whether it is its run's sweet spot."""


@dataclass(frozen=True, slots=True)
class Curve:
    """The points of one run, or of one setting."""

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """One picture, with the words of those who do not see it."""

    name: str
    """Of letters, digits and -: unique on the page."""
    title: str
    x_label: str
    y_label: str
    curves: tuple[Curve, ...]
    limit: float | None = None
    """The SLO's threshold, in the unit of y."""


def plots(comparison: Comparison) -> Iterator[Plot]:
    """Yield what has a point: latency, throughput and cost against load, throughput against limits."""
    for kind in _KINDS:
        for metric, percentile, limit in _latencies(comparison):
            figure = latency(metric, percentile)
            yield from _against_load(comparison, kind, f"{metric}-{percentile}", figure, limit)
        yield from _against_load(comparison, kind, "throughput", OUTPUT_TOKENS)
        if comparison.prices:
            yield from _cost(comparison, kind)
    for setting in _varying(comparison.runs):
        yield from _against_setting(comparison.runs, setting)


def _latencies(comparison: Comparison) -> Iterator[tuple[Metric, str, float | None]]:
    """The latencies to plot, the percentile of each, and the threshold, in ms, that all runs share."""
    reports = [run.report for run in comparison.runs]
    slo = reports[0].slo if same_slo(comparison.runs) else None
    promised = {each.metric: each for each in parse_slo(slo).objectives} if slo else {}
    for metric in Metric:
        objective = promised.get(metric)
        percentile = f"p{objective.percentile:g}" if objective else ""
        if objective and percentile in PERCENTILES:
            yield metric, percentile, objective.threshold_seconds * 1000
        elif objective or metric is not Metric.E2E:
            yield metric, "p95", None


def _against_load(
    comparison: Comparison, kind: str, name: str, figure: Figure[Stage], limit: float | None = None
) -> Iterator[Plot]:
    curves = (
        Curve(run.label, tuple(_points(run, spot, kind, figure.shown)))
        for run, spot in zip(comparison.runs, comparison.sweet_spots, strict=True)
    )
    title = f"{figure.name.partition(',')[0]} against {_KINDS[kind]}"
    yield from _plot(f"{name}-{kind}", title[0].upper() + title[1:], _KINDS[kind], figure.name, curves, limit)


def _cost(comparison: Comparison, kind: str) -> Iterator[Plot]:
    curves = (
        Curve(run.label, tuple(_points(run, spot, kind, partial(_cost_estimate, price))))
        for run, spot, price in zip(comparison.runs, comparison.sweet_spots, comparison.prices, strict=True)
    )
    title, currency = "Cost per million output tokens", comparison.prices[0].currency
    yield from _plot(
        f"cost-{kind}", f"{title} against {_KINDS[kind]}", _KINDS[kind], f"{currency} per million", curves
    )


def _cost_estimate(price: Price, stage: Stage) -> OpenEstimate | None:
    cost = per_million(stage.output_tokens_per_second, price)
    if cost is None:
        return None
    high = None if cost.high is None else float(cost.high)
    return OpenEstimate(value=float(cost.value), low=float(cost.low), high=high)


def _points(
    run: Run, spot: SweetSpot, kind: str, of: Callable[[Stage], OpenEstimate | None]
) -> Iterator[Point]:
    for load, stage in stages_by_load(run.report).items():
        y = of(stage)
        if load.kind == kind and not stage.invalid and y is not None:
            yield Point(load.size, y, stage.stationary, sweet=load == spot.load)


def _plot(
    name: str, title: str, x_label: str, y_label: str, curves: Iterable[Curve], limit: float | None = None
) -> Iterator[Plot]:
    drawn = tuple(curve for curve in curves if curve.points)
    if drawn:
        yield Plot(name, title, x_label, y_label, drawn, limit)


def _varying(runs: Sequence[Run]) -> list[str]:
    """The settings that are whole numbers in every run and not the same in all."""
    settings = [run.report.target.settings for run in runs]
    common = set.intersection(*(set(each) for each in settings))
    return sorted(
        name
        for name in common
        if _NAME.fullmatch(name)
        and all(_WHOLE.fullmatch(each[name]) for each in settings)
        and len({int(each[name]) for each in settings}) > 1
    )


def _against_setting(runs: Sequence[Run], setting: str) -> Iterator[Plot]:
    """Throughput at the heaviest load that all runs have: there the limits bind. A curve for each combination
    of the other settings.
    """
    loads = common_loads([run.report for run in runs])
    if not loads:
        return
    heaviest, others = loads[-1], [name for name in _varying(runs) if name != setting]
    points: dict[str, list[Point]] = {}
    for run in runs:
        stage = stages_by_load(run.report)[heaviest]
        if not stage.invalid:
            settings = run.report.target.settings
            name = ", ".join(f"{other}={int(settings[other])}" for other in others) or "all runs"
            point = Point(int(settings[setting]), stage.output_tokens_per_second, stage.stationary)
            points.setdefault(name, []).append(point)
    curves = (Curve(name, tuple(sorted(found, key=lambda point: point.x))) for name, found in points.items())
    title = f"Output tokens/s against {setting}, at {heaviest}"
    yield from _plot(f"setting-{_varying(runs).index(setting)}", title, setting, OUTPUT_TOKENS.name, curves)
