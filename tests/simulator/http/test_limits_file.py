"""The limits files: what is one, and which is believed."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.simulator.http.limits_file import NOTHING, Latency, Limit, LimitsFile, Objective, newest, parse

FILE: dict[str, Any] = {
    "generation": 7,
    "writer": "4f0c",
    "expires": 1790000000,
    "limits": {"seqs": 64, "tokens": 512, "longPrefill": 0, "queuedReqs": 400, "queuedTokens": 60000},
    "start": {"seqs": 256},
    "objectives": [{"name": "first-token", "metric": "TimeToFirstToken", "threshold": 1}],
}
files = st.builds(
    LimitsFile,
    generation=st.integers(0, 9),
    writer=st.text(),
    expires=st.floats(0, 10),
    limits=st.just({}),
    objectives=st.just(()),
)


def test_a_file_is_read_whole() -> None:
    parsed = parse(json.dumps(FILE))
    assert (parsed.generation, parsed.writer, parsed.expires) == (7, "4f0c", 1790000000.0)
    assert parsed.limits == {
        Limit.SEQS: 64,
        Limit.TOKENS: 512,
        Limit.LONG_PREFILL: 0,
        Limit.QUEUED_REQS: 400,
        Limit.QUEUED_TOKENS: 60000,
    }
    assert parsed.objectives == (Objective("first-token", Latency.TTFT, 1.0),)


def test_what_is_left_out_is_no_limit_no_promise_and_no_lease() -> None:
    assert parse('{"generation": 1, "limits": {}}') == replace(NOTHING, generation=1)
    assert parse('{"generation": 1, "limits": {}}').expires == math.inf


@pytest.mark.parametrize(
    "changed",
    [
        {"generation": "7"},
        {"generation": True},
        {"generation": -1},
        {"generation": None},
        {"limits": None},
        {"limits": {"seqs": 1.5}},
        {"limits": {"seqs": -1}},
        {"expires": "soon"},
        {"expires": math.nan},
        {"objectives": 3},
        {"objectives": [{}]},
        {"objectives": [{"name": "a", "metric": "Joy", "threshold": 1}]},
        {"objectives": [{"name": "a", "metric": "TimeToFirstToken", "threshold": -1}]},
    ],
)
def test_what_is_no_limits_file_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        parse(json.dumps(FILE | changed))


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '"x"', "null", "{}"])
def test_garbage_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        parse(text)


@given(st.lists(files), files)
def test_the_believed_generation_never_falls(found: list[LimitsFile], believed: LimitsFile) -> None:
    chosen = newest(found, believed)
    assert chosen.generation == max(each.generation for each in [*found, believed])
    if chosen.generation == believed.generation:
        assert chosen.expires >= believed.expires
