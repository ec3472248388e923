"""The stand-in's command line as vLLM reads it."""

import argparse
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from e2e.fakes.engine.checks import check
from e2e.fakes.engine.command_line import human_readable_int, human_readable_int_or_auto, parse

SUFFIXES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "K": 2**10, "M": 2**20, "G": 2**30}
DEFAULTS = parse(["serve", "acme/tiny"])


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


def test_without_options_the_model_is_served_under_its_own_name() -> None:
    assert (DEFAULTS.served_names, DEFAULTS.port, DEFAULTS.max_num_seqs) == (("acme/tiny",), 8000, 256)


def test_the_key_comes_from_the_option_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_API_KEY", "environment")
    assert parse(["serve", "acme/tiny"]).api_keys == ("environment",)
    assert parse(["serve", "acme/tiny", "--api-key", "a", "b"]).api_keys == ("a", "b")


@given(st.integers(-2, 300), st.integers(-2, 300), st.integers(1, 8))
def test_what_is_let_through_fits(seqs: int, tokens: int, tensor: int) -> None:
    arguments = replace(
        DEFAULTS, max_num_seqs=seqs, max_num_batched_tokens=tokens, tensor_parallel_size=tensor
    )
    try:
        check(arguments, {"num_attention_heads": 8})
    except ValueError:
        assert not (1 <= seqs <= tokens and 8 % tensor == 0)
    else:
        assert 1 <= seqs <= tokens
        assert 8 % tensor == 0
