"""What requests ask for; what vLLM refuses is held by the contract."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.simulator.http.completion_request import RefusedError, parse

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
)
KEYS = ("prompt", "messages", "model", "n", "max_tokens", "max_completion_tokens", "min_tokens", "stream",
        "stream_options", "ignore_eos")  # fmt: skip


@given(st.dictionaries(st.sampled_from(KEYS), json_values) | json_values, st.booleans())
def test_any_body_is_answered_or_refused_by_name(body: object, chat: bool) -> None:
    try:
        asked = parse(body, chat=chat, served_names=("tiny",), max_model_len=512)
    except RefusedError as error:
        refused = error
    else:
        assert 1 <= asked.max_tokens <= 512 - len(asked.token_ids)
        assert 0 <= asked.min_tokens <= asked.max_tokens
        return
    assert 400 <= refused.code < 500


@pytest.mark.parametrize(
    ("body", "drawn", "tokens"),
    [
        ({}, 5, 5),
        ({}, 50, 10),
        ({"ignore_eos": True}, 5, 10),
        ({"min_tokens": 8}, 5, 8),
        ({"min_tokens": 8}, 9, 9),
    ],
)
def test_an_answer_ends_where_the_model_would_within_what_the_request_allows(
    body: dict[str, Any], drawn: int, tokens: int
) -> None:
    asked = parse(
        {"prompt": "baba", "max_tokens": 10} | body, chat=False, served_names=("tiny",), max_model_len=512
    )
    assert asked.answer_tokens(drawn) == tokens


def test_a_list_of_one_prompt_is_that_prompt() -> None:
    for prompt in (["baba bebe"], [[7, 8]], [7, 8]):
        assert len(parse({"prompt": prompt}, chat=False, served_names=(), max_model_len=512).token_ids) == 2
