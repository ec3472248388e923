"""The JSON of answers and stream chunks, as vLLM 0.32 shapes it, without the fields that are always null."""

import json
import secrets
import time
from functools import partial
from typing import Any

from e2e.fakes.engine.batch import Token
from e2e.fakes.engine.request import Request

DONE = b"data: [DONE]\n\n"
compact = partial(json.dumps, separators=(",", ":"))
"""JSON without spaces, as vLLM writes it."""


class Answer:
    """Collects the tokens of one answer and renders it, in chunks or whole."""

    def __init__(self, request: Request, model: str) -> None:
        self._request = request
        self._tokens: list[Token] = []
        self._head: dict[str, Any] = {
            "id": f"{'chatcmpl' if request.chat else 'cmpl'}-{secrets.token_hex(8)}",
            "object": "chat.completion" if request.chat else "text_completion",
            "created": int(time.time()),
            "model": model,
        }

    def add(self, token: Token) -> bytes:
        """Take the next token; returns its server-sent events. A chat's first token is led by the role."""
        first = not self._tokens
        self._tokens.append(token)
        if not self._request.chat:
            return self._chunk(text=token.text, finish_reason=token.finish_reason)
        role = self._chunk(delta={"role": "assistant", "content": ""}, finish_reason=None) if first else b""
        return role + self._chunk(delta={"content": token.text}, finish_reason=token.finish_reason)

    def end(self) -> bytes:
        """The events that close the stream: usage if asked for, and [DONE]."""
        if not self._request.include_usage:
            return DONE
        return event(self._chunk_head() | {"choices": [], "usage": self._usage()}) + DONE

    def whole(self) -> dict[str, Any]:
        """The answer of a request that does not stream."""
        text = "".join(token.text for token in self._tokens)
        choice: dict[str, Any] = {
            "index": 0,
            "logprobs": None,
            "finish_reason": self._tokens[-1].finish_reason,
        }
        choice |= (
            {"message": {"role": "assistant", "content": text}} if self._request.chat else {"text": text}
        )
        return self._head | {"choices": [choice], "usage": self._usage()}

    def _chunk(self, **choice: object) -> bytes:
        return event(self._chunk_head() | {"choices": [{"index": 0, "logprobs": None, **choice}]})

    def _chunk_head(self) -> dict[str, Any]:
        return self._head | {"object": "chat.completion.chunk"} if self._request.chat else self._head

    def _usage(self) -> dict[str, int]:
        prompt, completion = self._request.prompt_tokens, len(self._tokens)
        return {"prompt_tokens": prompt, "total_tokens": prompt + completion, "completion_tokens": completion}


def event(data: object) -> bytes:
    """One server-sent event."""
    return b"data: " + compact(data).encode() + b"\n\n"
