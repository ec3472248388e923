import json
import math
from typing import Any

import pytest

from setpoint.loadgen.answer import Answer
from setpoint.loadgen.records import Record
from tests.loadgen.endpoint import token, usage


def answered(*chunks: object, asked: int = 3, exact: bool = False) -> Record:
    """The record of a stream whose chunks came a second apart, and then ended."""
    answer = Answer(Record(0, 0.0, 0.0, asked))
    for second, chunk in enumerate(chunks):
        answer.take(chunk if isinstance(chunk, bytes) else json.dumps(chunk).encode(), float(second))
    answer.close(float(len(chunks)), exact)
    return answer.record


def delta(finish_reason: str | None = None, **said: Any) -> dict[str, Any]:
    return {"choices": [{"delta": said, "finish_reason": finish_reason}]}


def test_each_chunk_is_a_token_and_the_last_ends_the_answer() -> None:
    record = answered(token(), token(), token(finish_reason="length"), usage(7, 3), b"[DONE]")
    assert list(record.arrivals) == [0, 1, 2]
    assert (record.ended, record.prompt_tokens, record.output_tokens, record.error) == (2, 7, 3, None)
    assert record.mean_itl_seconds == 1


def test_the_role_alone_is_no_token() -> None:
    record = answered(delta(role="assistant", content=""), delta(content="a"), delta("stop", content="b"))
    assert list(record.arrivals) == [1, 2]


def test_a_first_chunk_with_role_and_text_is_a_token() -> None:
    assert list(answered(delta(role="assistant", content="a"), delta("stop")).arrivals) == [0]


@pytest.mark.parametrize("said", [{"reasoning_content": "hm"}, {"tool_calls": [{"index": 0}]}])
def test_reasoning_and_calls_of_tools_are_tokens(said: dict[str, Any]) -> None:
    assert list(answered(delta(**said), delta("stop", content="b")).arrivals) == [0, 1]


def test_a_token_without_text_counts_within_an_answer() -> None:
    assert list(answered(token(), token(""), token(finish_reason="stop")).arrivals) == [0, 1, 2]


@pytest.mark.parametrize(("counted", "arrivals"), [(2, [0, 1]), (3, [0, 1, 2])])
def test_the_usage_says_whether_an_empty_end_is_a_token(counted: int, arrivals: list[float]) -> None:
    record = answered(token(), token(), token("", "stop"), usage(7, counted))
    assert list(record.arrivals) == arrivals
    assert record.ended == 2


def test_several_tokens_in_a_chunk_are_counted_by_the_usage() -> None:
    record = answered(token(" a b"), token(" c d", "length"), usage(7, 4))
    assert (record.output_tokens, record.mean_itl_seconds) == (4, 1 / 3)


def test_without_usage_chunks_are_counted() -> None:
    assert answered(token(), token(finish_reason="length")).output_tokens == 2


def test_a_stream_that_just_ends_is_cut() -> None:
    assert answered(token(), token()).error == "cut"
    assert answered().error == "cut"


def test_a_finish_reason_is_enough_of_an_end() -> None:
    assert answered(token(finish_reason="stop")).error is None


def test_a_stream_without_a_token_is_malformed() -> None:
    assert answered(b"[DONE]").error == "malformed"


def test_an_error_within_the_stream_is_told() -> None:
    assert answered(token(), {"error": {"message": "oops"}}).error == "stream_error"


def test_fewer_tokens_than_asked_for_are_a_fault_where_the_length_is_exact() -> None:
    short = (token(), token(finish_reason="stop"), usage(7, 2))
    assert answered(*short, exact=True).error == "too_few_tokens"
    assert answered(*short).error is None


@pytest.mark.parametrize(
    "chunk",
    [
        b"{oops",
        b"3",
        b"[]",
        b"[" * 100_000,
        {"choices": 3},
        {"choices": [3]},
        {"usage": [1]},
        {"usage": {"completion_tokens": math.inf}},
        {"usage": {"completion_tokens": math.nan}},
        {"usage": {"completion_tokens": 1e300}},
        {"usage": {"prompt_tokens": 10**400}},
        {"usage": {"prompt_tokens": -1}},
        {"usage": {"prompt_tokens": "12"}},
        {"usage": {"prompt_tokens": [12]}},
    ],
    ids=lambda chunk: str(chunk)[:50],
)
def test_what_is_no_chunk_is_refused(chunk: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        answered(chunk)


def test_a_text_of_any_nesting_is_a_token() -> None:
    nested = b"[" * 500 + b"1" + b"]" * 500
    record = answered(b'{"choices": [{"delta": {"content": ' + nested + b"}}]}", delta("stop"))
    assert list(record.arrivals) == [0]


def test_a_stream_of_more_chunks_than_any_answer_has_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("setpoint.loadgen.answer.MOST_CHUNKS", 10)
    with pytest.raises(ValueError, match="more than 10 chunks"):
        answered({"choices": [{}] * 11})
