"""What pairs of halves say of the plugin's cost."""

from array import array
from typing import Any

import pytest

from benchmarks.h100.loads import between, gaps, quantile
from benchmarks.h100.overhead import (
    FIGURES,
    Half,
    Reading,
    at_equal_prompts,
    difference,
    differences,
    halves_told,
    order,
)
from setpoint.loadgen.measure import Held
from setpoint.loadgen.records import Record
from setpoint.loadgen.report import ClosedLoop


def half(state: str, tokens_per_second: float, prompts: float = 400) -> dict[str, Any]:
    """Return a half with the figures that differ."""
    figures = dict.fromkeys(FIGURES, tokens_per_second)
    return {"state": state, **figures, "seconds": 2.0, "counted": {"prompt_tokens_total": 2 * prompts}}


def test_halves_come_in_pairs_that_begin_in_turns() -> None:
    assert order(3) == ["off", "on", "on", "off", "off", "on"]


def test_a_difference_is_how_much_more_there_is_with_the_plugin_whichever_came_first() -> None:
    halves = [half("off", 100), half("on", 99), half("on", 97), half("off", 100)]
    found = difference(halves, "tokens_per_second")
    assert found.mean == pytest.approx(-2)
    # Of two pairs one degree of freedom is left, whose t is 12.706; their standard error is 1.
    assert [found.low, found.high] == pytest.approx([-14.706, 10.706], abs=1e-3)


def test_one_pair_has_no_interval() -> None:
    with pytest.raises(ValueError, match="1 pairs have no interval: give it more seconds"):
        difference([half("off", 100), half("on", 99)], "tokens_per_second")


def test_throughput_and_the_gaps_between_tokens_are_compared() -> None:
    found = differences([half("off", 100), half("on", 99)] * 2)
    assert found["pairs"] == 2
    assert set(found["per_cent"]) == set(FIGURES)


def test_tokens_are_compared_as_if_each_half_had_taken_as_many_prompt_tokens() -> None:
    # Each prompt token costs half a token of an answer; the plugin costs nothing.
    halves = [half("off", 300, 400), half("on", 250, 500), half("on", 350, 300), half("off", 300, 400)]
    found = at_equal_prompts(halves)
    assert [each["tokens_per_second_at_equal_prompts"] for each in found] == pytest.approx([300] * 4)
    assert difference(found, "tokens_per_second_at_equal_prompts").mean == pytest.approx(0)


def test_a_half_has_the_tokens_and_the_gaps_that_ended_within_it() -> None:
    record = Record(0, 0.0, 0.0, 5, array("d", [1.0, 2.0, 3.5, 4.0, 9.0]), 9.0)
    held = Held(ClosedLoop(clients=1), [record], 10.0, 10.0)
    begin, end = (Reading(at, {"tokens": at}, {"engine": at / 2}) for at in (102.0, 105.0))
    (told,) = halves_told([Half("off", {}, begin, end)], held, began=100.0)
    assert told["tokens_per_second"] == 1.0
    assert (told["gaps"], told["itl_p50"], told["itl_p95"]) == (3, 1.0, 1.5)
    assert (told["counted"], told["cpu_seconds"]) == ({"tokens": 3.0}, {"engine": 1.5})


def test_gaps_are_ordered_by_their_end_over_all_requests() -> None:
    slow, quick = array("d", [0.0, 5.0]), array("d", [1.0, 2.0, 3.0])
    moments, seconds = gaps([Record(0, 0.0, 0.0, 2, slow), Record(1, 0.0, 0.0, 3, quick)])
    assert (list(moments), list(seconds)) == ([2.0, 3.0, 5.0], [1.0, 1.0, 5.0])
    assert between(moments, seconds, 3.0, 5.0) == [1.0]


def test_a_quantile_of_nothing_is_refused() -> None:
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    with pytest.raises(ValueError, match="nothing came in this time"):
        quantile([], 0.95)
