from decimal import Decimal

import pytest

from setpoint.compare.comparison import compare
from setpoint.compare.cost import Price
from setpoint.compare.curves import Plot, plots
from setpoint.loadgen.report import Estimate, Report
from tests.compare.builders import a_ladder, report, runs, stage


def by_name(*reports: Report, prices: tuple[Price, ...] = ()) -> dict[str, Plot]:
    found = list(plots(compare(runs(*reports), prices)))
    assert len({plot.name for plot in found}) == len(found)
    return {plot.name: plot for plot in found}


def xs(plot: Plot) -> list[list[float]]:
    return [[point.x for point in curve.points] for curve in plot.curves]


def test_latency_and_throughput_stand_against_the_load() -> None:
    found = by_name(a_ladder(), a_ladder())
    assert set(found) == {"ttft-p95-clients", "itl-p95-clients", "throughput-clients"}
    assert xs(found["ttft-p95-clients"]) == [[1, 10, 100, 256, 500]] * 2
    assert found["ttft-p95-clients"].curves[0].points[0].y.value == pytest.approx(50)


def test_the_sweet_spot_and_what_is_not_stationary_are_marked() -> None:
    (curve,) = by_name(a_ladder())["ttft-p95-clients"].curves
    assert [point.x for point in curve.points if point.sweet] == [100]
    assert [point.x for point in curve.points if not point.stationary] == [500]


def test_an_invalid_stage_is_not_drawn() -> None:
    found = by_name(report(stage(clients=1), stage(clients=10, invalid=["slow client"])))
    assert xs(found["throughput-clients"]) == [[1]]


def test_open_and_closed_loops_have_plots_of_their_own() -> None:
    found = by_name(report(stage(clients=1), stage(rate=5)))
    assert xs(found["throughput-clients"]) == [[1]]
    assert xs(found["throughput-rate"]) == [[5]]


def test_the_percentile_and_the_threshold_are_those_of_the_slo() -> None:
    found = by_name(report(slo="ttft.p99=1s,itl.p99.9=60ms,e2e.p50=20s"))
    assert found["ttft-p99-clients"].limit == 1000
    assert found["itl-p95-clients"].limit is None  # a report has no p99.9
    assert found["e2e-p50-clients"].limit == 20_000


def test_runs_with_the_same_objectives_in_another_order_share_their_thresholds() -> None:
    found = by_name(report(slo="itl.p95=60ms,ttft.p95=1s"), report(slo="ttft.p95=1s,itl.p95=60ms"))
    assert found["ttft-p95-clients"].limit == 1000


def test_runs_with_different_slos_share_no_threshold() -> None:
    found = by_name(report(), report(slo="ttft.p95=2s"))
    assert found["ttft-p95-clients"].limit is None


def test_cost_is_drawn_when_there_is_a_price() -> None:
    (curve,) = by_name(report(stage(tokens=1000)), prices=(Price(Decimal("3.60"), "EUR", 1),))[
        "cost-clients"
    ].curves
    assert curve.points[0].y.value == pytest.approx(1)


def test_a_cost_without_an_upper_bound_is_drawn_as_open() -> None:
    may_be_none = stage(output_tokens_per_second=Estimate(value=1000, low=0, high=2000))
    (curve,) = by_name(report(may_be_none), prices=(Price(Decimal("3.60"), "EUR", 1),))["cost-clients"].curves
    assert curve.points[0].y.high is None


def swept(seqs: str, tokens: str, throughput: float) -> Report:
    settings = {"max-num-seqs": seqs, "max-num-batched-tokens": tokens, "gpu": "H100"}
    return report(stage(clients=1), stage(clients=256, tokens=throughput), settings=settings)


def test_throughput_at_the_heaviest_common_load_stands_against_each_limit_that_varies() -> None:
    grid = [swept("64", "512", 5000), swept("256", "512", 6400), swept("64", "2048", 5100)]
    found = by_name(*grid)
    against_tokens, against_seqs = found["setting-0"], found["setting-1"]
    assert against_seqs.title == "Output tokens/s against max-num-seqs, at 256 clients"
    assert {
        curve.name: [(point.x, point.y.value) for point in curve.points] for curve in against_seqs.curves
    } == {
        "max-num-batched-tokens=512": [(64, 5000), (256, 6400)],
        "max-num-batched-tokens=2048": [(64, 5100)],
    }
    assert {curve.name for curve in against_tokens.curves} == {"max-num-seqs=64", "max-num-seqs=256"}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"max-num-seqs": "64"}, {"max-num-seqs": "64"}),
        ({"max-num-seqs": "64"}, {}),
        ({"max-num-seqs": "64"}, {"max-num-seqs": "many"}),
        ({"größe\n": "64"}, {"größe\n": "65"}),
    ],
)
def test_what_is_no_limit_that_varies_is_not_drawn(first: dict[str, str], second: dict[str, str]) -> None:
    found = by_name(report(settings=first), report(settings=second))
    assert not any(name.startswith("setting") for name in found)


def test_runs_without_a_common_load_have_no_plot_against_limits() -> None:
    found = by_name(
        report(stage(clients=1), settings={"seqs": "1"}), report(stage(clients=2), settings={"seqs": "2"})
    )
    assert not any(name.startswith("setting") for name in found)
