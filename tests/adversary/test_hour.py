"""What a seed draws."""

from dataclasses import replace

from benchmarks.adversary.faults import HOUR_SECONDS, Kind
from benchmarks.adversary.hour import drawn

SEEDS = range(1, 301)


def test_a_seed_is_always_the_same_hour() -> None:
    assert drawn(7) == drawn(7)
    assert drawn(7) != replace(drawn(8), seed=7)


def test_the_phases_fill_the_hour_and_every_fault_begins_in_it() -> None:
    for each in map(drawn, SEEDS):
        assert abs(sum(phase.duration_seconds for phase in each.phases) - HOUR_SECONDS) < 1e-6
        assert all(0 < fault.start_seconds < HOUR_SECONDS for fault in each.faults)
        assert all(phase.rate_per_second > 0 for phase in each.phases)


def test_every_kind_of_fault_is_drawn() -> None:
    assert {fault.kind for each in map(drawn, SEEDS) for fault in each.faults} == set(Kind)


def test_a_service_of_one_engine_has_no_fault_that_needs_two() -> None:
    alone = [each for each in map(drawn, SEEDS) if each.replicas == 1]
    kinds = {fault.kind for each in alone for fault in each.faults}
    assert alone
    assert not kinds & {Kind.ROUTER_UNEVEN, Kind.SCALE_DOWN}


def test_an_hour_is_told_in_words() -> None:
    assert drawn(1).words.startswith(f"{drawn(1).replicas} ")
    assert str(drawn(1).faults[0]).endswith(" min")
