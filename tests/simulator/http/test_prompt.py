"""Token ids and block keys of prompts."""

from hypothesis import given
from hypothesis import strategies as st

from setpoint.simulator.http.answer import answer_ids
from setpoint.simulator.http.prompt import VOCABULARY, block_keys, chat_ids, text_ids

ids = st.lists(st.integers(0, VOCABULARY - 1), max_size=60)


@given(st.text())
def test_a_text_has_a_token_for_each_word(text: str) -> None:
    tokens = text_ids(text)
    assert len(tokens) == len(text.split())
    assert all(0 <= token < VOCABULARY for token in tokens)


@given(ids, ids, ids, st.integers(1, 16))
def test_prompts_share_the_keys_of_exactly_the_blocks_that_begin_alike(
    common: list[int], one: list[int], other: list[int], block: int
) -> None:
    ours, theirs = common + one, common + other
    alike = next((at for at, pair in enumerate(zip(ours, theirs, strict=False)) if pair[0] != pair[1]),
                 min(len(ours), len(theirs)))  # fmt: skip
    keys = block_keys(ours, block), block_keys(theirs, block)
    assert [len(each) for each in keys] == [len(ours) // block, len(theirs) // block]
    shared = alike // block
    assert keys[0][:shared] == keys[1][:shared]
    assert not set(keys[0][shared:]) & set(keys[1][shared:])


def test_a_conversation_that_goes_on_begins_with_its_last_prompt_and_answer() -> None:
    first = [{"role": "user", "content": "bebe bibi"}]
    answer = "baba babe babi"  # what the simulator says
    second = [*first, {"role": "assistant", "content": answer}, {"role": "user", "content": "bobo"}]
    begun = chat_ids(first) + answer_ids(3)
    assert chat_ids(second)[: len(begun)] == begun


def test_only_the_text_of_a_message_counts() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:"}}
    parts = [{"role": "user", "content": [{"type": "text", "text": "bebe bibi"}, image]}]
    assert chat_ids(parts) == chat_ids([{"role": "user", "content": "bebe bibi "}])
