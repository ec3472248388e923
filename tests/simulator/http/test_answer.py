"""Answers: the same in chunks and whole."""

import json
from typing import Any

import pytest

from setpoint.simulator.http.answer import DONE, Answer
from setpoint.simulator.http.completion_request import parse

NAME = 'a "b" {c} \\ \u2028 é'


def answer(tokens: int, *, chat: bool, **changed: Any) -> Answer:
    """An answer of so many tokens to a request for at most ten."""
    body = {"prompt": "baba", "messages": [{"role": "user", "content": "baba"}], "max_tokens": 10} | changed
    return Answer(parse(body, chat=chat, served_names=(NAME,), max_model_len=512), NAME, tokens)


def events(data: bytes) -> list[dict[str, Any]]:
    """The JSON of server-sent events."""
    return [json.loads(event.removeprefix("data: ")) for event in data.decode().split("\n\n") if event]


@pytest.mark.parametrize("chat", [False, True])
@pytest.mark.parametrize(("tokens", "reason"), [(1, "stop"), (9, "stop"), (10, "length")])
def test_the_chunks_make_up_the_whole(chat: bool, tokens: int, reason: str) -> None:
    streamed = answer(tokens, chat=chat)
    chunks = events(b"".join(streamed.next() for _ in range(tokens)))
    (choice,) = streamed.whole()["choices"]
    choices = [chunk["choices"][0] for chunk in chunks]
    if chat:
        assert choices.pop(0)["delta"] == {"role": "assistant", "content": ""}
        text = "".join(each["delta"]["content"] for each in choices)
        assert text == choice["message"]["content"]
    else:
        text = "".join(each["text"] for each in choices)
        assert text == choice["text"]
    assert len(text.split()) == tokens
    assert [each["finish_reason"] for each in choices] == [None] * (tokens - 1) + [reason]
    assert choice["finish_reason"] == reason
    assert {chunk["model"] for chunk in chunks} == {NAME}
    assert len({chunk["id"] for chunk in chunks} | {streamed.whole()["id"]}) == 1


def test_a_stream_ends_with_the_usage_where_it_is_asked_for() -> None:
    assert answer(3, chat=False).end() == DONE
    usage, done = answer(3, chat=False, stream_options={"include_usage": True}).end().split(b"\n\n")[:2]
    assert json.loads(usage.removeprefix(b"data: "))["usage"] == {
        "prompt_tokens": 1,
        "completion_tokens": 3,
        "total_tokens": 4,
    }
    assert done + b"\n\n" == DONE


def test_an_answer_may_be_longer_than_the_words_there_are() -> None:
    long = answer(1200, chat=False)
    assert len(events(b"".join(long.next() for _ in range(1200)))) == 1200
    assert len(long.whole()["choices"][0]["text"].split()) == 1200
