"""Which engines there are, and which of them gets a request."""

from collections import Counter

from benchmarks.adversary.faults import Fault, Kind
from benchmarks.adversary.pods import Life, lives, router


def test_a_restart_is_a_new_life_of_the_same_pod() -> None:
    before, after = lives(1, [Fault(Kind.ENGINE_RESTART, 100, 60, "engine-0")])
    assert before == Life("engine-0", ends_seconds=100)
    assert after == Life("engine-0", 100, 160)
    assert not after.serves(159)
    assert after.serves(160)


def test_a_new_replica_has_a_new_name_and_serves_once_it_has_started() -> None:
    assert lives(2, [Fault(Kind.SCALE_UP, 100, 90)])[2] == Life("engine-2", 100, 190)


def test_a_replica_that_goes_answers_what_it_has() -> None:
    gone = lives(2, [Fault(Kind.SCALE_DOWN, 100, 0, "engine-1")])[1]
    assert gone.drains
    assert not gone.serves(100)


def test_the_last_engine_that_serves_does_not_go() -> None:
    faults = [Fault(Kind.ENGINE_RESTART, 90, 60, "engine-0"), Fault(Kind.SCALE_DOWN, 100, 0, "engine-1")]
    assert lives(2, faults)[1] == Life("engine-1")


def test_requests_go_round() -> None:
    route = router(lives(3, []), [])
    assert Counter(route(1.0) for _ in range(300)) == {0: 100, 1: 100, 2: 100}


def test_an_uneven_router_gives_one_engine_twice_as_much() -> None:
    route = router(lives(2, []), [Fault(Kind.ROUTER_UNEVEN, 0, 60, "engine-1")])
    assert Counter(route(1.0) for _ in range(300)) == {0: 100, 1: 200}
    assert Counter(route(61.0) for _ in range(300)) == {0: 150, 1: 150}


def test_no_engine_gets_what_comes_while_none_serves() -> None:
    route = router(lives(1, [Fault(Kind.ENGINE_RESTART, 100, 60, "engine-0")]), [])
    assert [route(at) for at in (99.0, 100.0, 160.0)] == [0, None, 1]
