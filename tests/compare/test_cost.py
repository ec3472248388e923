from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from setpoint.compare.cost import Price, per_million, total_tokens_per_second
from setpoint.loadgen.report import Estimate
from tests.compare.builders import estimate, stage


def price(per_gpu_hour: str = "3.60", gpus: int = 1) -> Price:
    return Price(Decimal(per_gpu_hour), "USD", gpus)


def test_a_thousand_tokens_a_second_at_3_60_an_hour_cost_1_a_million() -> None:
    found = per_million(Estimate(value=1000, low=800, high=1250), price())
    assert found is not None
    assert (found.value, found.low, found.high) == (Decimal(1), Decimal("0.8"), Decimal("1.25"))


def test_each_gpu_is_paid_for() -> None:
    one, four = per_million(estimate(1000), price()), per_million(estimate(1000), price(gpus=4))
    assert one is not None
    assert four is not None
    assert four.value == 4 * one.value


def test_nothing_that_comes_out_has_no_cost() -> None:
    assert per_million(estimate(0), price()) is None


def test_throughput_that_may_be_zero_has_a_cost_without_upper_bound() -> None:
    found = per_million(Estimate(value=10, low=0, high=20), price())
    assert found is not None
    assert found.high is None


@given(st.floats(0.001, 1e6), st.floats(0, 1), st.decimals("0.01", "1000", places=2))
def test_the_cost_lies_between_its_bounds(tokens: float, noise: float, hour: Decimal) -> None:
    found = per_million(estimate(tokens, noise), Price(hour, "USD", 1))
    assert found is not None
    assert found.low <= found.value
    assert found.high is None or found.value <= found.high


def test_all_tokens_are_those_in_and_out_with_the_noise_of_both() -> None:
    found = total_tokens_per_second(
        stage(
            requests_per_second=Estimate(value=10, low=9, high=12),
            input_tokens_per_second=5000,
            output_tokens_per_second=Estimate(value=1000, low=900, high=1300),
        )
    )
    assert found == Estimate(value=6000, low=5400, high=7300)


def test_all_tokens_of_a_stage_without_answers_are_none() -> None:
    empty = stage(
        requests_per_second=estimate(0), input_tokens_per_second=0, output_tokens_per_second=estimate(0)
    )
    assert total_tokens_per_second(empty) == estimate(0)
