from dataclasses import replace

import pytest

from setpoint.simulator.gpus import gpu
from setpoint.simulator.memory import kv_cache_blocks
from setpoint.simulator.parameters import TYPICAL
from setpoint.simulator.step import Step
from setpoint.simulator.steptime import StepTime
from tests.simulator.builders import shape

H100 = gpu("H100")
DECODE = Step(1, decoding=8, decoding_context_tokens=8 * 600)
PREFILL = Step(
    1, prefill_tokens=512, prefill_sequences=1, prefill_context_tokens=512, attention_pairs=131_328
)


def seconds(step: Step, **changed: object) -> float:
    return StepTime(TYPICAL, H100, shape(**changed), 256)(step)


def test_a_decode_step_reads_all_weights() -> None:
    read = shape().weight_bytes / (H100.bytes_per_second * TYPICAL.weight_bandwidth_share)
    assert read < seconds(DECODE) < 1.5 * read


def test_a_prefill_step_multiplies_all_weights_with_all_tokens() -> None:
    multiplied = shape().flops_per_token * 512 / (H100.flops_per_second * TYPICAL.flops_share)
    assert multiplied < seconds(PREFILL) < 1.5 * multiplied


def test_a_longer_context_takes_longer_to_read() -> None:
    longer = Step(1, decoding=8, decoding_context_tokens=8 * 6000)
    read = 8 * 5400 * shape().kv_bytes_per_token / (H100.bytes_per_second * TYPICAL.kv_bandwidth_share)
    assert seconds(longer) - seconds(DECODE) == pytest.approx(read)


@pytest.mark.parametrize(("max_num_seqs", "tokens", "captured"), [(256, 512, 1), (256, 513, 0), (64, 129, 0)])
def test_a_step_takes_as_long_as_its_launch_and_longest_without_a_graph(
    max_num_seqs: int, tokens: int, captured: bool
) -> None:
    slow_host = replace(TYPICAL, graph_layer_seconds=1.0, launch_layer_seconds=2.0)
    step = Step(1, prefill_tokens=tokens)
    assert StepTime(slow_host, H100, shape(), max_num_seqs)(step) == (32.0 if captured else 64.0)


def test_a_step_in_which_all_decode_is_launched_at_once() -> None:
    slow_host = replace(TYPICAL, graph_layer_seconds=1.0)
    assert StepTime(slow_host, H100, shape(), 256)(DECODE) == seconds(DECODE)


def test_a_smaller_model_takes_less_time() -> None:
    small = {
        "hidden_size": 1024,
        "intermediate_size": 3072,
        "num_hidden_layers": 28,
        "num_attention_heads": 16,
    }
    assert seconds(DECODE, **small) < seconds(DECODE) / 3
    # Of a prompt only the launch is left.
    assert seconds(PREFILL, **small) == pytest.approx(28 * TYPICAL.graph_layer_seconds)


def test_a_mixture_of_experts_computes_some_and_reads_those_that_are_met() -> None:
    mixture = {"num_local_experts": 8, "num_experts_per_tok": 2}
    assert shape(**mixture).flops_per_token < 2.5 * shape().flops_per_token
    assert shape(**mixture).bytes_read(1) < 2.5 * shape().bytes_read(1)
    assert shape(**mixture).bytes_read(1000) > 6 * shape().bytes_read(1)


def test_the_kv_cache_is_what_the_measured_engine_found() -> None:
    # vLLM 0.25.1 on an H100 80GB: 29,366 blocks, of which it keeps one.
    assert kv_cache_blocks(shape(), H100, 16_384) == pytest.approx(29_365, rel=0.001)


def test_a_model_that_leaves_no_room_is_told() -> None:
    with pytest.raises(ValueError, match=r"no memory is left for the KV cache: weights take .* GB"):
        kv_cache_blocks(shape(num_hidden_layers=200), H100, 8192)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"hidden_size": None}, "hidden_size: is missing"),
        ({"vocab_size": "many"}, "vocab_size: 'many'"),
        ({"torch_dtype": "int4"}, "torch_dtype: 'int4' is not modelled"),
        ({"quantization_config": {}}, "quantization_config"),
    ],
)
def test_a_config_that_cannot_be_read_names_the_key(changed: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        shape(**changed)


def test_an_unknown_gpu_is_told_with_those_known() -> None:
    with pytest.raises(ValueError, match="GPU 'B300' is not known; known are A100, H100, H200"):
        gpu("B300")
