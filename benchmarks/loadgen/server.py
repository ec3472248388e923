"""An endpoint cheap enough that only the client is measured: it streams at a fixed pace and notes arrivals.

`python -m benchmarks.loadgen.server PORT` serves completions and chat, 200 ms to the first token, then one
every 50 ms. GET /arrivals answers when each request came since the last such call, in seconds of the
monotonic clock, which all processes of one machine share. Bare asyncio, because aiohttp's server would need
more of a core than any client at 10,000 chunks a second.
"""

import asyncio
import heapq
import json
import sys
import time
from dataclasses import dataclass, field

FIRST_TOKEN_SECONDS = 0.2
TOKEN_SECONDS = 0.05
MODEL = "m"
_TICK_SECONDS = 0.002
_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
)


def _event(text: str) -> bytes:
    event = f"data: {text}\n\n".encode()
    return b"%x\r\n%b\r\n" % (len(event), event)


def _chunk(chat: bool, **rest: object) -> bytes:
    word = {"delta": {"role": "assistant", "content": " hello"}} if chat else {"text": " hello"}
    kind = "chat.completion.chunk" if chat else "text_completion"
    choices = [{"index": 0, **word, "logprobs": None, "finish_reason": None}]
    body = {"id": "cmpl-0123456789abcdef", "object": kind, "created": 1, "model": MODEL, "choices": choices}
    return _event(json.dumps({**body, **rest}))


_TOKEN = {chat: _chunk(chat) for chat in (False, True)}


@dataclass(order=True, slots=True)
class _Stream:
    """A stream by the time at which its next token is due."""

    due: float
    transport: asyncio.Transport = field(compare=False)
    left: int = field(compare=False)
    chat: bool = field(compare=False)
    tail: bytes = field(compare=False)


class _Server:
    """The streams under way and the arrivals so far."""

    def __init__(self) -> None:
        self.arrivals: list[float] = []
        self.streams: list[_Stream] = []

    def start(self, transport: asyncio.Transport, chat: bool, request: dict[str, object], size: int) -> None:
        """Begin to answer a request that has come in whole."""
        self.arrivals.append(time.monotonic())
        tokens = int(str(request.get("max_tokens") or request.get("max_completion_tokens") or 16))
        usage = {"prompt_tokens": size // 6, "completion_tokens": tokens, "total_tokens": size // 6 + tokens}
        tail = _chunk(chat, choices=[], usage=usage) + _event("[DONE]") + b"0\r\n\r\n"
        transport.write(_HEAD)
        due = self.arrivals[-1] + FIRST_TOKEN_SECONDS
        heapq.heappush(self.streams, _Stream(due, transport, tokens, chat, tail))

    async def run(self) -> None:
        """Send every token when it is due."""
        while True:
            now = time.monotonic()
            while self.streams and self.streams[0].due <= now:
                stream = self.streams[0]
                stream.left -= 1
                stream.transport.write(_TOKEN[stream.chat] + (b"" if stream.left else stream.tail))
                if stream.left and not stream.transport.is_closing():
                    stream.due += TOKEN_SECONDS
                    heapq.heapreplace(self.streams, stream)
                else:
                    heapq.heappop(self.streams)
            await asyncio.sleep(_TICK_SECONDS)


class _Connection(asyncio.Protocol):
    def __init__(self, server: _Server) -> None:
        self._server = server
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, rest = self._received.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        if not separator or len(rest) < length:
            return
        self._received = rest[length:]
        method, path, _ = head.split(b" ", 2)
        if method == b"POST":
            self._server.start(self._transport, b"chat" in path, json.loads(rest[:length]), length)
        else:
            self._answer(path)

    def _answer(self, path: bytes) -> None:
        body: object = {"object": "list", "data": [{"id": MODEL, "object": "model"}]}
        if path == b"/arrivals":
            body, self._server.arrivals = self._server.arrivals, []
        elif path == b"/version":
            body = {"version": "0"}
        text = json.dumps(body).encode()
        kind = b"Content-Type: application/json"
        self._transport.write(
            b"HTTP/1.1 200 OK\r\n%b\r\nContent-Length: %d\r\n\r\n%b" % (kind, len(text), text)
        )


async def _main(port: int) -> None:
    server = _Server()
    await asyncio.get_running_loop().create_server(
        lambda: _Connection(server), "127.0.0.1", port, backlog=2048
    )
    await server.run()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
