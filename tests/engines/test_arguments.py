"""Command lines are merged by the names of their flags, however a name is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.engines.arguments import flags, is_flag, merge

NAMES = ["--a", "--a_b", "--a-b", "--no-a", "--model", "-tp", "--x.y", "--json"]
TOKENS = st.one_of(
    st.sampled_from(NAMES),
    st.builds("{}={}".format, st.sampled_from(NAMES), st.text(max_size=5)),
    st.sampled_from(["1", "-1", "-0.5", "-", "--", "x y", '{"a": [1, -2]}', "a=b", ""]),
    st.text(max_size=5),
)
COMMAND_LINES = st.lists(TOKENS, max_size=8)
OURS = st.lists(st.builds("{}={}".format, st.sampled_from(NAMES), st.text(max_size=5)), max_size=6)


def names(arguments: list[str]) -> list[str]:
    return [flag.name for flag in flags(arguments)]


@pytest.mark.parametrize(
    ("argument", "name"),
    [
        ("--max-num-seqs", "max-num-seqs"),
        ("--max_num_seqs=4", "max-num-seqs"),
        ("--no-enable-prefix-caching", "enable-prefix-caching"),
        ("--no_enable_prefix_caching", "enable-prefix-caching"),
        ("-tp", "tensor-parallel-size"),
        ("-tp=2", "tensor-parallel-size"),
        ("--compilation-config.pass_config.x=1", "compilation-config"),
        ("-cc.mode=3", "compilation-config"),
        ('--kv-transfer-config={"a.b": "c=d"}', "kv-transfer-config"),
        ("--node-rank", "node-rank"),
        ("-O3", "-O3"),
    ],
)
def test_a_flag_has_one_name_however_it_is_written(argument: str, name: str) -> None:
    assert names([argument]) == [name]


@pytest.mark.parametrize("argument", ["-1", "-0.5", "-.5", "-", "--", "", "x", "x--y"])
def test_values_and_negative_numbers_are_no_flags(argument: str) -> None:
    assert not is_flag(argument)


def test_what_follows_a_flag_belongs_to_it() -> None:
    found = list(flags(["first", "--lora-modules", "a=/x", "b=/y", "--seed", "-1", "--enforce-eager"]))

    assert [(flag.index, flag.arguments) for flag in found] == [
        (1, ("--lora-modules", "a=/x", "b=/y")),
        (4, ("--seed", "-1")),
        (6, ("--enforce-eager",)),
    ]


@pytest.mark.parametrize(
    ("theirs", "merged"),
    [
        ([], ["--a=1", "--b", "2"]),
        (["--a", "9"], ["--b", "2", "--a", "9"]),
        (["--no-b"], ["--a=1", "--no-b"]),
        (["--c", "--c", "x"], ["--a=1", "--b", "2", "--c", "--c", "x"]),
        (["--a=2", "--b=3"], ["--a=2", "--b=3"]),
    ],
)
def test_theirs_replace_ours_by_name(theirs: list[str], merged: list[str]) -> None:
    assert merge(["--a=1", "--b", "2"], theirs) == merged


@given(OURS, COMMAND_LINES)
def test_every_argument_of_theirs_survives_in_order(ours: list[str], theirs: list[str]) -> None:
    merged = merge(ours, theirs)

    assert merged[len(merged) - len(theirs) :] == theirs


@given(OURS, COMMAND_LINES)
def test_ours_stand_in_order_exactly_where_theirs_name_none(ours: list[str], theirs: list[str]) -> None:
    merged = merge(ours, theirs)

    kept = [argument for argument in ours if not {*names([argument])} & {*names(theirs)}]
    assert merged[: len(merged) - len(theirs)] == kept


@given(OURS, COMMAND_LINES)
def test_merging_again_changes_nothing(ours: list[str], theirs: list[str]) -> None:
    merged = merge(ours, theirs)

    assert merge(ours, merged) == merged


@given(COMMAND_LINES)
def test_each_argument_after_the_first_flag_belongs_to_one_flag(arguments: list[str]) -> None:
    belonging = [argument for flag in flags(arguments) for argument in flag.arguments]

    assert arguments[len(arguments) - len(belonging) :] == belonging
    assert not any(is_flag(argument) for argument in arguments[: len(arguments) - len(belonging)])
