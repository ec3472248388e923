"""A prompt as token ids, without the model's tokenizer: one token for each word.

Equal words have equal ids, so prompts that begin with the same text share the prefix cache as they would
under a real tokenizer. How many tokens a text has does differ: English under a tokenizer of 32,000 entries or
more has about 1.3 for each word. What is measured by the usage counts of the answers is right all the same.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from zlib import crc32

VOCABULARY = 32_000


def text_ids(text: str) -> list[int]:
    """The ids of a text's words, each below VOCABULARY."""
    return _ids(text.split())


def chat_ids(messages: Sequence[object]) -> list[int]:
    """The ids of a conversation as a chat template writes it: each message led by its role, at last the
    assistant's.
    """
    words = ["<s>"]
    for message in messages:
        role = message.get("role") if isinstance(message, Mapping) else None
        words += [f"<|{role}|>", *_text(message).split()]
    return _ids([*words, "<|assistant|>"])


def block_keys(token_ids: Sequence[int], block_size: int) -> list[int]:
    """A key for each full block of `block_size` tokens, which stands for all tokens up to its end."""
    keys: list[int] = []
    key = 0
    for end in range(block_size, len(token_ids) + 1, block_size):
        key = hash((key, *token_ids[end - block_size : end]))
        keys.append(key)
    return keys


def _text(message: object) -> str:
    """A message's text: its content, or the text parts of it."""
    content: Any = message.get("content") if isinstance(message, Mapping) else None
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    return str(content or "")


def _ids(words: Sequence[str]) -> list[int]:
    return [crc32(word.encode(errors="surrogatepass")) % VOCABULARY for word in words]
