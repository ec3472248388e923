"""The JSON of answers and stream chunks, as vLLM 0.32 shapes it, without the fields that are always null.

The words of an answer are always the same, so what is equal in all its chunks is rendered once.
"""

import json
import secrets
import time
from functools import partial
from itertools import cycle, islice
from typing import Any

from setpoint.simulator.http import prompt
from setpoint.simulator.http.completion_request import CompletionRequest
from setpoint.simulator.http.words import words

DONE = b"data: [DONE]\n\n"
compact = partial(json.dumps, separators=(",", ":"))
"""JSON without spaces, as vLLM writes it."""
_WORDS = words(500)
_IDS = prompt.text_ids(" ".join(_WORDS))
_TEXT_TAILS = [f'{word}","finish_reason":null}}]}}\n\n'.encode() for word in _WORDS]
_CHAT_TAILS = [f'{word}"}},"finish_reason":null}}]}}\n\n'.encode() for word in _WORDS]


def answer_ids(tokens: int) -> list[int]:
    """The token ids of an answer, as they come back in the prompt of a conversation that goes on."""
    return list(islice(cycle(_IDS), tokens))


class Answer:
    """Renders one answer, token by token or whole."""

    def __init__(self, request: CompletionRequest, model: str, tokens: int) -> None:
        self._request = request
        self._tokens = tokens
        self._sent = 0
        self._head: dict[str, Any] = {
            "id": f"{'chatcmpl' if request.chat else 'cmpl'}-{secrets.token_hex(8)}",
            "object": "chat.completion" if request.chat else "text_completion",
            "created": int(time.time()),
            "model": model,
        }
        chunk = self._head | {"object": "chat.completion.chunk"} if request.chat else self._head
        self._chunk_head = f"data: {compact(chunk)[:-1]}".encode()
        before_word = b'"delta":{"content":" ' if request.chat else b'"text":" '
        self._before_word = self._chunk_head + b',"choices":[{"index":0,"logprobs":null,' + before_word
        self._tails = _CHAT_TAILS if request.chat else _TEXT_TAILS

    def next(self) -> bytes:
        """The server-sent event of the next token; a chat's first is led by the role."""
        chunk = self._before_word + self._tails[self._sent % len(_WORDS)]
        self._sent += 1
        if self._sent == self._tokens:
            chunk = chunk.removesuffix(b"null}]}\n\n") + f'"{self.finish_reason}"}}]}}\n\n'.encode()
        return self._role() + chunk if self._sent == 1 and self._request.chat else chunk

    def end(self) -> bytes:
        """The events that close the stream: usage if asked for, and [DONE]."""
        if not self._request.include_usage:
            return DONE
        usage = f',"choices":[],"usage":{compact(self._usage())}}}\n\n'
        return self._chunk_head + usage.encode() + DONE

    def whole(self) -> dict[str, Any]:
        """The answer of a request that does not stream."""
        text = "".join(f" {word}" for word in islice(cycle(_WORDS), self._tokens))
        content = (
            {"message": {"role": "assistant", "content": text}} if self._request.chat else {"text": text}
        )
        choice = {"index": 0, "logprobs": None, "finish_reason": self.finish_reason, **content}
        return self._head | {"choices": [choice], "usage": self._usage()}

    @property
    def finish_reason(self) -> str:
        """Why it ends: the model was done ("stop"), or the request's limit reached ("length")."""
        return "length" if self._tokens == self._request.max_tokens else "stop"

    def _role(self) -> bytes:
        delta = {"role": "assistant", "content": ""}
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
        return self._chunk_head + f',"choices":[{compact(choice)}]}}\n\n'.encode()

    def _usage(self) -> dict[str, int]:
        prompt_tokens = len(self._request.token_ids)
        return {
            "prompt_tokens": prompt_tokens,
            "total_tokens": prompt_tokens + self._tokens,
            "completion_tokens": self._tokens,
        }


def event(data: object) -> bytes:
    """One server-sent event."""
    return b"data: " + compact(data).encode() + b"\n\n"
