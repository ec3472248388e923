from types import SimpleNamespace
from typing import Any

import pytest

from setpoint_vllm.step_times import EDGES, LONGEST_SECONDS, StepTimes


class Engine:
    """A scheduler whose steps take as long as one says."""

    def __init__(self) -> None:
        self.running = ["a request"]
        self.now = 100.0
        self.times = StepTimes(self, lambda: self.now)

    def schedule(self, throttled: bool = False) -> str:
        """As vLLM's, which the engine core calls before it runs a step."""
        return "throttled" if throttled else "scheduled"

    def update_from_output(self, scheduler_output: Any, model_runner_output: str) -> str:
        """As vLLM's, whose result the engine core hands on."""
        if scheduler_output.fails:
            raise RuntimeError("of the engine's own")
        return f"outputs of {model_runner_output}"

    def step(self, seconds: float, tokens: object, *, fails: bool = False) -> str:
        """Do one step."""
        self.schedule()
        self.now += seconds
        output = SimpleNamespace(total_num_scheduled_tokens=tokens, fails=fails)
        return self.update_from_output(output, model_runner_output="a step")


def counted(engine: Engine) -> dict[int, tuple[float, float, float]]:
    """The rows of sizes of which there were steps, by the number of the size."""
    return {number: row for number, row in enumerate(engine.times.rows) if row[0]}


def test_a_step_is_counted_by_its_size_with_its_seconds_and_tokens() -> None:
    engine = Engine()
    engine.step(1.0, 64)
    for seconds, tokens in ((0.02, 65), (0.03, 100), (0.5, 8193)):
        engine.step(seconds, tokens)
    found = counted(engine)
    assert {number: (row[0], row[2]) for number, row in found.items()} == {
        0: (1, 64),
        1: (2, 165),
        len(EDGES): (1, 8193),
    }
    assert found[1][1] == pytest.approx(0.05)


def test_a_time_in_which_nothing_ran_is_no_part_of_a_step() -> None:
    engine = Engine()
    engine.running.clear()
    engine.step(0.01, 10)
    engine.now += 3.0
    engine.running.append("a request")
    engine.step(0.02, 10)
    assert counted(engine)[0] == pytest.approx((2, 0.03, 20))


def test_the_first_step_after_a_rest_which_has_the_prompts_is_counted() -> None:
    engine = Engine()
    for _ in range(3):
        engine.now += 60.0
        engine.running.append("a request")
        engine.step(0.1, 512)
        engine.running.clear()
        engine.step(0.01, 1)
    found = counted(engine)
    assert (found[3][0], found[3][2]) == (3, 3 * 512)
    assert found[3][1] == pytest.approx(0.3)


def test_what_no_working_engine_takes_is_not_counted() -> None:
    engine = Engine()
    engine.step(LONGEST_SECONDS + 0.1, 10)
    assert not counted(engine)


def test_a_step_without_tokens_belongs_to_the_one_that_follows() -> None:
    engine = Engine()
    engine.step(0.01, 0)
    engine.step(0.01, 10)
    assert counted(engine)[0] == pytest.approx((1, 0.02, 10))


def test_the_engine_gets_its_own_results_and_errors() -> None:
    engine = Engine()
    assert engine.step(0.1, 10) == "outputs of a step"
    with pytest.raises(RuntimeError, match="of the engine's own"):
        engine.step(0.1, 10, fails=True)


def test_an_output_of_another_kind_ends_the_counting_and_nothing_else() -> None:
    engine = Engine()
    assert engine.step(0.1, None) == "outputs of a step"
    assert engine.step(0.1, 10) == "outputs of a step"
    assert not counted(engine)


def test_a_scheduler_that_is_built_otherwise_is_not_touched() -> None:
    scheduler = SimpleNamespace(running=[])
    assert StepTimes(scheduler).rows[0] == (0, 0.0, 0)
    assert vars(scheduler) == {"running": []}
