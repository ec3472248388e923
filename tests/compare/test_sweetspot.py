from typing import Any

import pytest

from setpoint.compare.sweetspot import sweet_spot
from setpoint.loadgen.capacity import Trial, conclude
from setpoint.loadgen.evidence import Verdict
from setpoint.loadgen.report import Capacity, Report, Stage
from tests.compare.builders import estimate, report, stage

UNSTEADY: dict[str, Any] = {"stationary": False, "unsteady": ["the queue grows"]}
UNTOLD: dict[str, Any] = {"slo_met": None, "unmet": ["why"]}
MISSED: dict[str, Any] = {"slo_met": False, "unmet": ["one", "other"]}
INVALID: dict[str, Any] = {"invalid": ["the client was slow"]}


def spot(found: Report) -> tuple[str, str]:
    best = sweet_spot(found)
    return str(best.load), best.reason


def rates(*verdicts: bool | dict[str, Any]) -> list[Stage]:
    """Stages of 10, 20, ... requests a second that kept the SLO, missed it, or have other fields."""
    return [
        stage(rate=10 * number, **(each if isinstance(each, dict) else {"slo_met": each}))
        for number, each in enumerate(verdicts, start=1)
    ]


@pytest.mark.parametrize(
    ("stages", "load", "why"),
    [
        (rates(True, True, False), "20 requests/s", "missed at 30 requests/s"),
        (rates(True, True), "20 requests/s", "the limit lies higher"),
        (rates(True, INVALID, True), "30 requests/s", "the limit lies higher"),
        (rates(True, True, INVALID), "20 requests/s", "heavier ones were not measured validly"),
        (rates(False, True), "None", "no load kept the SLO: missed at 10 requests/s"),
        (rates(True, False, True), "10 requests/s", "missed at 20 requests/s"),
        (rates(True, UNSTEADY), "10 requests/s", "not stationary at 20 requests/s"),
        (rates(True, INVALID, True, False), "30 requests/s", "missed at 40 requests/s"),
        (rates(True, UNTOLD), "10 requests/s", "kept the SLO: cannot be told at 20 requests/s (why)"),
        (rates(True, MISSED), "10 requests/s", "missed at 20 requests/s (one; other)"),
        (rates(INVALID), "None", "no load was measured validly"),
        ([*rates(True), stage(rate=10, slo_met=False)], "None", "missed at 10 requests/s (no. 2)"),
        ([*rates(True, False), stage(clients=500)], "10 requests/s", "missed at 20 requests/s"),
    ],
)
def test_with_an_slo_it_is_the_highest_load_up_to_which_the_slo_held(
    stages: list[Stage], load: str, why: str
) -> None:
    found, reason = spot(report(*stages))
    assert found == load
    assert reason.endswith(why)


def test_a_capacity_search_has_its_own_verdicts() -> None:
    capacity = Capacity(
        rate_per_second=estimate(20), verdicts=["holds", "breaks", "holds"], told="", stages=[0, 2, 1]
    )
    found = report(*rates(False, False, True), capacity=capacity)
    assert spot(found) == ("20 requests/s", "sustainable rate of the capacity search")


def searched(*trials: tuple[float, Verdict], **of_rate: dict[str, Any]) -> Report:
    """A report of a capacity search, whose stages all kept the SLO; by name a rate's other fields."""
    tried = [Trial(rate, verdict) for rate, verdict in trials]
    stages = [stage(rate=rate, **of_rate.get(f"at_{rate:g}", {})) for rate, _ in trials]
    return report(*stages, capacity=conclude(tried, range(len(tried))))


def test_a_rate_that_held_above_an_unclear_one_is_no_sweet_spot() -> None:
    found = searched(
        (20, Verdict.UNCLEAR), (18.2, Verdict.HOLDS), (22, Verdict.HOLDS), (24.2, Verdict.BREAKS)
    )
    assert spot(found) == ("18.2 requests/s", "sustainable rate of the capacity search")


@pytest.mark.parametrize("flaw", [UNSTEADY, INVALID])
def test_where_the_sustainable_rate_has_no_sound_stage_it_is_the_next_lower_that_held(
    flaw: dict[str, Any],
) -> None:
    trials = (10, Verdict.HOLDS), (20, Verdict.HOLDS), (22, Verdict.UNCLEAR), (24, Verdict.BREAKS)
    found, reason = spot(searched(*trials, at_20=flaw))
    assert found == "10 requests/s"
    assert "below the sustainable rate" in reason


@pytest.mark.parametrize("flaw", [UNSTEADY, INVALID])
def test_a_rate_above_the_sustainable_one_never_stands_in_for_it(flaw: dict[str, Any]) -> None:
    found = searched((20, Verdict.HOLDS), (22, Verdict.UNCLEAR), (24, Verdict.BREAKS), at_20=flaw)
    assert spot(found) == (
        "None",
        "no rate that the capacity search showed to hold has a valid, stationary stage",
    )


def test_a_capacity_search_that_could_not_tell_leaves_it_to_the_slo() -> None:
    capacity = Capacity(rate_per_second=None, verdicts=["unclear"], told="too noisy", stages=[0])
    assert spot(report(*rates(True, False), capacity=capacity))[0] == "10 requests/s"


def ladder(*throughputs: float, noise: float = 0.01, **of_last: Any) -> Report:
    """A report without an SLO, of 1, 10, 50, 100 and 200 clients as far as there are throughputs."""
    last = len(throughputs) - 1
    stages = [
        stage(clients=clients, tokens=tokens, noise=noise, **(of_last if number == last else {}))
        for number, (clients, tokens) in enumerate(zip((1, 10, 50, 100, 200), throughputs, strict=False))
    ]
    return report(*stages, slo=None)


def test_without_an_slo_it_is_the_knee_of_throughput() -> None:
    assert spot(ladder(100, 900, 4000, 5000, 5100)) == (
        "50 clients",
        "knee of output tokens/s (Kneedle): there is no SLO",
    )


def test_throughput_that_falls_in_overload_does_not_move_the_knee() -> None:
    assert spot(ladder(100, 900, 4000, 5000, 3000))[0] == "50 clients"


@pytest.mark.parametrize("throughputs", [(50, 500, 2500, 5000, 10000), (100, 100, 100, 100, 100)])
def test_throughput_that_does_not_bend_has_no_knee(throughputs: tuple[float, ...]) -> None:
    assert spot(ladder(*throughputs)) == ("None", "none: output tokens/s show no knee beyond their noise")


def test_a_bend_within_the_noise_is_no_knee() -> None:
    assert spot(ladder(50, 500, 2600, 5200, 10000, noise=0.01))[0] == "100 clients"
    assert spot(ladder(50, 500, 2600, 5200, 10000, noise=0.1))[0] == "None"


def test_a_stage_that_is_not_stationary_shapes_the_knee_but_is_none() -> None:
    assert spot(ladder(100, 900, 4000, 5000, **UNSTEADY))[0] == "50 clients"
    assert spot(ladder(100, 900, 900.1, **UNSTEADY))[0] == "10 clients"


def test_two_loads_have_no_knee() -> None:
    assert spot(ladder(100, 900)) == ("None", "none: a knee shows from 3 valid loads on")
