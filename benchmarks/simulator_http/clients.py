"""Closed-loop clients that cost little: bare sockets, one request after another on each."""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

_EVENT = b"data: {"


def lengths(client: int, prompt_tokens: int, output_tokens: int) -> Iterator[tuple[int, int]]:
    """Prompt and answer of each request of a client: uniform in 0.5 to 1.5 times the mean."""
    random = Random(client)
    while True:
        yield (
            random.randint(prompt_tokens // 2, prompt_tokens * 3 // 2),
            random.randint(output_tokens // 2, output_tokens * 3 // 2),
        )


@dataclass
class Seen:
    """What all clients saw of one load's window."""

    gaps_seconds: list[float] = field(default_factory=list)
    first_tokens_seconds: list[float] = field(default_factory=list)
    tokens: int = 0
    errors: int = 0


class Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, seen: Seen, number: int, prompt_tokens: int, output_tokens: int) -> None:
        self._seen = seen
        self._number = number
        self._lengths = enumerate(lengths(number, prompt_tokens, output_tokens))
        self._transport: asyncio.Transport | None = None
        self._sent = self._last = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        """Note when tokens come, and go on once the answer is whole."""
        now = time.perf_counter()
        if data.startswith(b"HTTP/1.1") and not data.startswith(b"HTTP/1.1 200"):
            self._seen.errors += 1
        tokens = data.count(_EVENT)
        if tokens:
            self._seen.tokens += tokens
            if self._last:
                self._seen.gaps_seconds.append(now - self._last)
            else:
                self._seen.first_tokens_seconds.append(now - self._sent)
            self._seen.gaps_seconds.extend([0.0] * (tokens - 1))
            self._last = now
        if data.endswith(b"0\r\n\r\n"):
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        """An error, unless the clients themselves closed it."""
        self._seen.errors += exc is not None

    def _send(self) -> None:
        assert self._transport
        request, (prompt, output) = next(self._lengths)
        words = f"c{self._number}r{request} " + "word " * (prompt - 1)
        body = json.dumps(
            {"prompt": words, "max_tokens": output, "ignore_eos": True, "stream": True}
        ).encode()
        head = b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        self._transport.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._sent, self._last = time.perf_counter(), 0.0
