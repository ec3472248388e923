"""What arms are tried on."""

import pytest

from benchmarks.tuner.cases import LOADS, cases, day, named


def test_every_load_has_cases_but_the_seldom_ones() -> None:
    assert {each.load for each in cases()} == LOADS.keys() - {"day of 24 h"}
    assert len({each.name for each in cases()}) == len(cases())


@pytest.mark.parametrize("name", LOADS)
def test_a_load_lasts_ten_minutes_at_least_and_says_what_it_sends(name: str) -> None:
    load = LOADS[name]
    assert load.duration_seconds >= 600
    for phase in load.phases:
        assert sum(each.share for each in phase.streams) == pytest.approx(1)


def test_phases_begin_where_those_before_end() -> None:
    assert LOADS["step"].changes_seconds == (0, 600, 1200)


def test_demand_of_a_day_peaks_in_the_afternoon() -> None:
    rates = [each.rate_per_second for each in day(3600)]
    assert max(rates) == rates[14]
    assert len(rates) == 24


def test_cases_are_chosen_by_the_beginning_of_their_names() -> None:
    assert [each.load for each in named("day of 24 h")] == ["day of 24 h"] * 3
    assert len(named("step, itl 30")) == 1
    with pytest.raises(ValueError, match="loads are chat"):
        named("nothing")
