import pytest

from setpoint.planner.demand import cost_per_million, demand
from setpoint.planner.mix import Mix
from setpoint.planner.plan import plan
from setpoint.planner.remedies import remedies
from setpoint.planner.serving import Serving
from setpoint.simulator.gpus import Gpu, gpu
from tests.planner.builders import CHAT, H100, promise, restarted, serving
from tests.simulator.builders import shape

LARGE = {"num_hidden_layers": 40, "hidden_size": 6144, "intermediate_size": 24576, "num_attention_heads": 48}
"""Some 24B parameters, whose weights take 17 ms to read."""


def ways_out(
    itl_ms: float, card: Gpu = H100, mix: Mix = CHAT, model: dict[str, int] | None = None
) -> dict[str, float]:
    """Return the changes that help, each with its rate."""
    found = remedies(restarted, shape(**model or {}), card, promise(itl_ms, None), mix)
    return {each.change: each.rate_per_second for each in found}


def changes(itl_ms: float, card: Gpu = H100, model: dict[str, int] | None = None) -> list[str]:
    return list(ways_out(itl_ms, card, model=model))


def test_a_model_that_takes_too_long_to_read_is_helped_by_what_reads_faster() -> None:
    promised = promise(17.8, None)
    assert plan(serving(model=LARGE), promised, CHAT).shortfalls
    assert changes(17.8, model=LARGE) == ["GPU H200", "the model in 8 bits", "tensor parallelism over 2"]


def test_no_gpu_helps_where_the_host_is_too_slow() -> None:
    assert changes(10) == []


def test_a_gpu_that_is_no_faster_is_no_remedy() -> None:
    assert "GPU A100" not in changes(17.8, model=LARGE)
    assert "GPU H200" not in changes(10, gpu("H200"))


def test_another_gpu_is_started_with_its_own_memory_and_limits() -> None:
    long_answers, promised = Mix(2000, 6000), promise(17.8, None)
    there = plan(serving(gpu("H200"), model=LARGE), promised, long_answers)
    assert ways_out(17.8, mix=long_answers, model=LARGE)["GPU H200"] == there.rate_per_second


def test_what_does_not_fit_is_no_remedy() -> None:
    def refused(*_: object) -> Serving:
        raise ValueError("no memory is left")

    assert remedies(refused, shape(), H100, promise(10), CHAT) == []


@pytest.mark.parametrize(("rate", "replicas"), [(1, 1), (10, 1), (10.1, 2), (45, 5)])
def test_replicas_are_those_that_sustain_the_rate(rate: float, replicas: int) -> None:
    wanted = demand(rate, 10.0)
    assert wanted is not None
    assert wanted.replicas == replicas
    assert wanted.utilisation == pytest.approx(rate / (10 * replicas))


def test_no_number_of_replicas_serves_where_one_sustains_nothing() -> None:
    assert demand(1.0, 0.0) is None


def test_the_cost_is_that_of_the_hours_over_the_tokens() -> None:
    cost = cost_per_million(3.60, 2, 10.0, Mix(300, 100))
    # 2 x 3.60 an hour is 0.002 a second, for 1,000 output tokens and 4,000 in all.
    assert cost.output_tokens == pytest.approx(2.0)
    assert cost.all_tokens == pytest.approx(0.5)
