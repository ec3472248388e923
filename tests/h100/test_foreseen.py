"""What is told of the tuner's logs: its plans, and the steps that the engine made."""

from dataclasses import replace

from benchmarks.h100.foreseen import plans, stages, steps
from setpoint.signals.reading import Reading, Steps
from setpoint.tuner.learning import Learned
from setpoint.tuner.planned import Planned
from setpoint.tuner.planning import Plan
from setpoint.tuner.record import Record
from setpoint_vllm.limits_file import Limit
from tests.tuner.builders import Tuned

BEGAN = 1000.0
SMALL, LARGE = Plan({256: 20.0, 8192: 10.0}), Plan({256: 40.0, 8192: 10.0})


def record(seconds: float, plan: Plan | None = None, tokens: int = 8192, count: float = 0.0) -> Record:
    """Return a look at one engine, which has made so many steps of 40 tokens and 8 ms each."""
    tuned = Tuned()
    tuned.look()
    (observation, before), (decision,) = tuned.observations[0], tuned.decisions
    (engine,) = observation.readings.values()
    made = {64.0: Steps(count, 0.008 * count, 40 * count), 128.0: Steps()}
    seen: Reading = replace(
        engine,
        at_seconds=BEGAN + seconds,
        counters=replace(engine.counters, steps_by_size=made),
        ranks={"0": replace(engine.ranks["0"], in_force={Limit.TOKENS: tokens})},
    )
    observation = replace(observation, now_seconds=BEGAN + seconds, readings={"engine": seen})
    after = replace(before, planned=Planned(made_for=Learned(prompt_tokens=512), plan=plan))
    return Record(observation, tuned.settings, before, decision, after)


def part(load: str, begin: float, end: float) -> dict[str, object]:
    """Return what is read of a line of the live file."""
    return {"part": load, "began": BEGAN, "begin": begin, "end": end}


def test_a_plan_is_told_when_it_is_made_and_no_more_while_it_holds() -> None:
    log = [record(0), record(20, SMALL), record(25, SMALL), record(60, LARGE)]
    told = [each.split(" | ") for each in plans("tight", log)]
    assert [each[1] for each in told] == ["20 s", "60 s"]
    assert [each[6] for each in told] == ["20.0", "40.0"]
    assert [each[2] for each in told] == ["512", "512"]


def test_steps_are_told_apart_by_load_and_budget_from_a_first_look_to_a_last() -> None:
    log = [record(0), record(10, count=30), record(20, tokens=512, count=50)]
    log += [record(30, tokens=512, count=90), record(40, tokens=512, count=100), record(60, count=200)]
    seen = list(stages([part("chat", 0, 35), part("long", 35, 50)], log))
    assert [(each.part, each.tokens) for each in seen] == [("chat", 8192), ("chat", 512), ("long", 512)]
    assert [row for each in seen for row in steps("tight", each)] == [
        "| tight | chat | 8192 | 1 to 64 | 30 | 40 | 8.0 | 0 of 0 |",
        "| tight | chat | 512 | 1 to 64 | 40 | 40 | 8.0 | 0 of 0 |",
    ]
