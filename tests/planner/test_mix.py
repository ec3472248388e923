from random import Random

import pytest

from setpoint.planner.mix import Mix, mix_of
from setpoint.workload.draws import Shape
from setpoint.workload.lengths import parse_lengths


def mix(prompt: str, output: str) -> Mix:
    return mix_of(Shape(parse_lengths(prompt), parse_lengths(output)), Random(0))


def test_fixed_lengths_do_not_vary() -> None:
    assert mix("512", "128") == Mix(512, 128, 0.0)


@pytest.mark.parametrize("output", ["128", "lognormal:100:1"])
def test_the_variation_is_that_of_prompts(output: str) -> None:
    # Uniform over 0.5 to 1.5 times the mean: a variance of 1/12 of its square.
    assert mix("uniform:256:768", output).squared_variation == pytest.approx(1 / 12, rel=0.1)


@pytest.mark.parametrize("tokens", [(0.0, 10.0), (10.0, 0.0), (float("nan"), 1.0)])
def test_what_is_no_request_is_refused(tokens: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="must be at least 1"):
        Mix(*tokens)
