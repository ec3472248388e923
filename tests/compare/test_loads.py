from setpoint.compare.loads import Load, common_loads, flaws, stages_by_load
from setpoint.loadgen.report import OpenLoop, Replay
from tests.compare.builders import report, stage


def test_stages_are_ordered_from_light_to_heavy() -> None:
    found = stages_by_load(report(stage(clients=100), stage(clients=1), stage(clients=10)))
    assert [str(load) for load in found] == ["1 client", "10 clients", "100 clients"]


def test_a_load_that_comes_twice_is_kept_twice() -> None:
    found = stages_by_load(report(stage(rate=5, tokens=1), stage(rate=5, tokens=2)))
    assert [str(load) for load in found] == ["5 requests/s", "5 requests/s (no. 2)"]
    assert [each.output_tokens_per_second.value for each in found.values()] == [1, 2]


def test_a_guess_of_a_capacity_search_is_no_result() -> None:
    guess = stage(clients=64).model_copy(update={"probe": True})
    assert list(stages_by_load(report(guess, stage(rate=5)))) == [Load("rate", 5)]
    assert stages_by_load(report(guess)) == {}


def test_a_pattern_of_arrivals_makes_another_load() -> None:
    bursts = stage(load=OpenLoop(rate_per_second=5, arrivals="burst:8"))
    assert common_loads([report(stage(rate=5)), report(bursts)]) == []
    assert str(Load.of(bursts)) == "5 requests/s burst:8"


def test_a_trace_names_its_file_and_speed() -> None:
    replayed = stage(load=Replay(rate_per_second=2.5, trace="day.jsonl", speed=10))
    assert str(Load.of(replayed)) == "2.5 requests/s of day.jsonl at speed 10"


def test_common_loads_are_those_of_every_report() -> None:
    reports = [
        report(*(stage(clients=each) for each in ladder)) for ladder in ((1, 10, 100), (100, 10), (10, 5))
    ]
    assert common_loads(reports) == [Load("clients", 10)]


def test_flaws_say_why_a_stage_proves_nothing() -> None:
    assert flaws(stage()) == ()
    assert flaws(stage(invalid=["the client was slow"], stationary=False, unsteady=["the queue grows"])) == (
        "invalid: the client was slow",
        "not stationary: the queue grows",
    )
