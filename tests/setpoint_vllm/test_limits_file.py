import json
import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint_vllm.limits_file import MAX_CHARACTERS, STEP_SECONDS, STEPS, Limit, LimitsFile, newest, parse
from tests.setpoint_vllm.builders import limits_text


def test_a_file_says_limits_lease_and_objectives() -> None:
    objective = {"name": "first-token", "metric": "TimeToFirstToken", "threshold": 1}
    file = parse(
        limits_text(generation=7, expires=1790000000, limits={"tokens": 512}, objectives=[objective])
    )
    assert (file.generation, file.writer, file.expires) == (7, "me", 1790000000.0)
    assert file.limits == {Limit.TOKENS: 512}
    assert [(each.name, each.threshold_seconds) for each in file.objectives] == [("first-token", 1.0)]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"generation": "7"}, "generation is '7'"),
        ({"generation": True}, "generation is True"),
        ({"generation": -1}, "generation is -1"),
        ({"limits": {"seqs": 0}}, "limits.seqs is 0: write a whole number, 1 or more"),
        ({"limits": {"tokens": 1e99}}, "limits.tokens is 1e"),
        ({"limits": []}, "not of the form"),
        ({"limits": None}, "not of the form"),
        ({"expires": math.nan}, "expires is nan"),
        ({"expires": "soon"}, "expires is 'soon'"),
        ({"objectives": [{"name": "x", "metric": "E2E", "threshold": 1}]}, "'E2E' is not a valid Latency"),
        ({"objectives": [{"name": "x", "metric": "TimeToFirstToken"}]}, "'threshold' is missing"),
        ({"objectives": [3]}, "not of the form"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse(limits_text(**changes))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        "[" * 50_000,
        " " * (MAX_CHARACTERS + 1),
        '{"generation": 1e400, "limits": {}}',
    ],
)
def test_what_is_no_limits_file_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text)


@given(
    st.text() | st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists).map(json.dumps)
)
def test_no_text_raises_anything_but_value_error(text: str) -> None:
    with suppress(ValueError):
        parse(text)


def test_the_higher_generation_is_believed_and_of_equal_ones_the_later_lease() -> None:
    old, new = LimitsFile(generation=1, expires=9.0), LimitsFile(generation=2, expires=1.0)
    renewed = LimitsFile(generation=2, expires=3.0)
    assert newest([new, old], LimitsFile()) is new
    assert newest([old], new) is new
    assert newest([renewed], new) is renewed
    assert newest([], renewed) is renewed


@given(st.integers(1, 10**6), st.floats(0, 10_000), st.floats(0, 10_000))
def test_after_its_lease_a_limit_only_grows_and_then_is_gone(value: int, first: float, later: float) -> None:
    file = LimitsFile(expires=100.0, limits={Limit.SEQS: value})
    earlier, after = (
        file.wanted(100.0 + seconds).get(Limit.SEQS, math.inf) for seconds in sorted((first, later))
    )
    assert value < earlier <= after
    assert file.wanted(99.9) == {Limit.SEQS: value}
    assert file.wanted(100.0 + STEPS * STEP_SECONDS) == {}


def test_the_first_step_back_doubles() -> None:
    assert LimitsFile(expires=100.0, limits={Limit.SEQS: 8}).wanted(100.0) == {Limit.SEQS: 16}
