"""The command line as vLLM reads it, and what vLLM makes of it."""

import argparse
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from setpoint.simulator.gpus import Gpu, gpu
from setpoint.simulator.http.checks import Resolved, check_kv_cache, resolve
from setpoint.simulator.http.command_line import human_readable_int, human_readable_int_or_auto, parse

SUFFIXES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "K": 2**10, "M": 2**20, "G": 2**30}
DEFAULTS = parse(["serve", "acme/tiny"], {})
H100 = gpu("H100")


def resolved(on: Gpu = H100, **changed: Any) -> Resolved:
    """What vLLM makes of its defaults with some options changed, for a model of 4,096 tokens."""
    config = {"num_attention_heads": 8, "max_position_embeddings": 4096}
    return resolve(replace(DEFAULTS, **changed), config, on)


@given(st.integers(0, 10**6), st.sampled_from(sorted(SUFFIXES)))
def test_a_suffix_multiplies(number: int, suffix: str) -> None:
    assert human_readable_int(f"{number}{suffix}") == number * SUFFIXES[suffix]


def test_decimals_go_with_decimal_suffixes_only() -> None:
    assert human_readable_int("25.6k") == 25_600
    with pytest.raises(argparse.ArgumentTypeError, match="K"):
        human_readable_int("25.6K")


@pytest.mark.parametrize("text", ["auto", "-1", " AUTO "])
def test_the_longest_sequence_may_be_left_to_the_engine(text: str) -> None:
    assert human_readable_int_or_auto(text) == -1


@given(st.lists(st.sampled_from("abcdefgh/.-_0 ${}'\"\n"), min_size=1).map("".join))
def test_any_value_reaches_its_option_unchanged(name: str) -> None:
    assume(name != "--")  # argparse drops it from a list of values, in vLLM too
    assert parse(["serve", "acme/tiny", f"--served-model-name={name}"]).served_names == (name,)


def test_an_option_may_be_spelled_with_underscores_but_its_value_stays() -> None:
    arguments = parse(["serve", "acme/tiny", "--served_model_name=my_model", "--max_num_seqs", "8"])
    assert (arguments.served_names, arguments.max_num_seqs) == (("my_model",), 8)


def test_every_option_that_acts_is_read() -> None:
    options = """--max-num-active-seqs=4 --max-num-batched-tokens=2k --long-prefill-token-threshold=256
        --max-num-queued-reqs=9 --max-num-queued-tokens=1K --no-enable-prefix-caching --block-size=32
        --gpu-memory-utilization=0.5 --kv-cache-memory-bytes=2G --shutdown-timeout=7"""
    arguments = parse(["serve", "acme/tiny", *options.split()])
    assert (arguments.max_num_active_seqs, arguments.max_num_batched_tokens) == (4, 2000)
    assert arguments.long_prefill_token_threshold == 256
    assert (arguments.max_num_queued_reqs, arguments.max_num_queued_tokens) == (9, 1024)
    assert (arguments.enable_prefix_caching, arguments.block_size) == (False, 32)
    assert (arguments.gpu_memory_utilization, arguments.kv_cache_memory_bytes) == (0.5, 2**31)
    assert arguments.shutdown_timeout_seconds == 7


def test_a_beginning_of_a_name_will_do_where_it_is_the_only_one_s(capsys: pytest.CaptureFixture[str]) -> None:
    assert parse(["serve", "acme/tiny", "--max-num-se=8"]).max_num_seqs == 8
    with pytest.raises(SystemExit) as ended:
        parse(["serve", "acme/tiny", "--max-num=8"])
    assert ended.value.code == 2
    assert "ambiguous option: --max-num=8 could match --max-num-" in capsys.readouterr().err


def test_a_key_of_an_option_that_takes_json_and_a_level_may_be_given_by_themselves() -> None:
    options = ["--compilation_config.cudagraph_mode=FULL", "--compilation-config.level", "3", "-O3"]
    assert parse(["serve", *options, "acme/tiny", "--max-num-seqs=8"]).max_num_seqs == 8
    with pytest.raises(SystemExit):
        parse(["serve", "acme/tiny", "--no-such-config.level=3"])


def test_middleware_may_be_given_again_and_takes_one_value() -> None:
    arguments = parse(["serve", "--middleware", "a.B", "--middleware=c.D", "acme/tiny"])
    assert (arguments.middleware, arguments.model) == (("a.B", "c.D"), "acme/tiny")


def test_without_options_the_model_is_served_under_its_own_name() -> None:
    assert (DEFAULTS.served_names, DEFAULTS.port, DEFAULTS.gpu_memory_utilization) == (
        ("acme/tiny",),
        8000,
        0.92,
    )


def test_the_key_comes_from_the_option_before_the_environment() -> None:
    environment = {"VLLM_API_KEY": "environment"}
    assert parse(["serve", "acme/tiny"], environment).api_keys == ("environment",)
    assert parse(["serve", "acme/tiny", "--api-key", "a", "b"], environment).api_keys == ("a", "b")


def test_the_gpu_decides_the_default_batch() -> None:
    assert resolved(H100) == Resolved(4096, 1024, 8192, 1024)
    assert resolved(gpu("A100")) == Resolved(4096, 256, 2048, 256)


def test_a_small_budget_or_few_sequences_lower_the_other_s_default() -> None:
    assert resolved(max_num_batched_tokens=64).max_num_seqs == 64
    assert resolved(max_num_seqs=1).max_num_batched_tokens == 4096
    assert resolved(max_num_seqs=16, max_num_active_seqs=4).max_num_active_seqs == 4


@given(
    st.none() | st.integers(-2, 300),
    st.none() | st.integers(-2, 300),
    st.none() | st.integers(-2, 300),
    st.integers(-1, 9),
    st.none() | st.integers(-2, 5000),
)
def test_what_is_let_through_fits(
    seqs: int | None, tokens: int | None, active: int | None, tensor: int, length: int | None
) -> None:
    try:
        found = resolved(
            max_num_seqs=seqs, max_num_batched_tokens=tokens, max_num_active_seqs=active,
            tensor_parallel_size=tensor, max_model_len=length,
        )  # fmt: skip
    except ValueError:
        return
    assert 1 <= found.max_num_active_seqs <= found.max_num_seqs <= found.max_num_batched_tokens
    assert 1 <= found.max_model_len <= 4096
    assert 8 % tensor == 0


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"gpu_memory_utilization": 1.5},
            "gpu_memory_utilization\n  Input should be less than or equal to 1",
        ),
        ({"gpu_memory_utilization": 0.0}, "gpu_memory_utilization\n  Input should be greater than 0"),
        ({"block_size": 0}, "block_size\n  Input should be greater than or equal to 1"),
        ({"max_num_queued_reqs": -1}, "max_num_queued_reqs\n  Input should be greater than or equal to 0"),
    ],
)
def test_a_value_out_of_range_is_told_in_vllm_s_words(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match="1 validation error") as refused:
        resolved(**changed)
    assert words in str(refused.value)


def test_a_cache_too_small_for_one_request_is_told_with_what_would_fit() -> None:
    check_kv_cache(4096, 16, 2**20, 4096 * 2**20)
    with pytest.raises(ValueError, match=r"\(4\.02 GiB KV cache is needed.*\(4\.00 GiB\).*length is 4096\."):
        check_kv_cache(4100, 16, 2**20, 4100 * 2**20 - 4 * 2**20)
