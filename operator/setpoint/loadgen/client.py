"""One streamed request to an OpenAI-compatible endpoint, and its record; whatever the endpoint does."""

import asyncio
import errno
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import aiohttp

from setpoint.loadgen.answer import Answer
from setpoint.loadgen.records import ErrorKind, Record
from setpoint.loadgen.sse import EventParser

Api = Literal["chat", "completions"]
PATHS: dict[Api, str] = {"chat": "/v1/chat/completions", "completions": "/v1/completions"}
EVENT_STREAM = "text/event-stream"
_KEEP_ALIVE_SECONDS = 3
"""Below the 5 s after which uvicorn closes an idle connection: else a request would meet a closed one."""
_READ_BUFFER_BYTES = 2**18
_HELD_UP_SECONDS = 0.002
"""How long the client of an answer waits for the end of its response.

Mostly that comes with the last word: then its connection is free for the next request, and one is enough.
"""
_LAST_BYTES_SECONDS = 1.0
"""How long the end of a response that is decided is awaited in all, to use the connection again."""
_OWN_FAULTS = (errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM)
"""Why this machine cannot open a connection, whatever the endpoint does."""
_MOST_BYTES_AFTER = 2**16
"""So much of such a response is read for that; a longer one costs the connection."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where requests go, and what each of them says."""

    url: str
    """Without a path and a slash at the end, such as http://127.0.0.1:8000."""
    model: str
    api: Api
    exact_length: bool = True
    """Whether the endpoint takes `ignore_eos`, so that answers have the length asked for."""
    api_key: str | None = field(default=None, repr=False)

    def body(self, prompt: str, output_tokens: int) -> bytes:
        """Return a request as JSON."""
        request: dict[str, Any] = {
            "model": self.model,
            "max_tokens": output_tokens,
            "temperature": 0.0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if self.api == "chat":
            request["messages"] = [{"role": "user", "content": prompt}]
        else:
            request["prompt"] = prompt
        if self.exact_length:
            request["ignore_eos"] = True
        return json.dumps(request).encode()

    @property
    def headers(self) -> Mapping[str, str]:
        """Return the headers of each request."""
        headers = {
            "Content-Type": "application/json",
            "Accept": EVENT_STREAM,
            "Accept-Encoding": "identity",  # a packer holds tokens back, and may unpack to any size
        }
        return {**headers, "Authorization": f"Bearer {self.api_key}"} if self.api_key else headers


def new_session() -> aiohttp.ClientSession:
    """Return a session without limits of its own, which keeps nothing that an endpoint sets."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE_SECONDS),
        timeout=aiohttp.ClientTimeout(total=None),
        read_bufsize=_READ_BUFFER_BYTES,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
    )


@dataclass(frozen=True, slots=True)
class Client:
    """Sends requests over one session."""

    session: aiohttp.ClientSession
    endpoint: Endpoint
    timeout_seconds: float
    clock: Callable[[], float]
    """Seconds, in the time of the records."""
    _ending: "set[asyncio.Task[None]]" = field(default_factory=set)
    """Of the answers that are decided, what reads their responses to the end."""

    async def ask(self, body: bytes, record: Record) -> Answer:
        """Send a request and fill in its record; if cancelled, leave it as one under way."""
        answer = Answer(record)
        response: aiohttp.ClientResponse | None = None
        try:
            async with asyncio.timeout(self.timeout_seconds):
                response = await self._exchange(body, answer)
        except TimeoutError:
            _blame(answer, ErrorKind.TIMEOUT)
        except aiohttp.ClientPayloadError:
            _blame(answer, ErrorKind.CUT)
        except (aiohttp.ServerDisconnectedError, OSError) as error:
            _blame(answer, ErrorKind.CUT if record.arrivals else _of_connection(error))
        except (aiohttp.ClientError, ValueError):
            _blame(answer, ErrorKind.MALFORMED)
        answer.close(self.clock(), self.endpoint.exact_length)
        if response is not None and not response.content.is_eof():
            ending = asyncio.create_task(_read_out(response))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)
            await asyncio.wait([ending], timeout=_HELD_UP_SECONDS)
        return answer

    async def _exchange(self, body: bytes, answer: Answer) -> aiohttp.ClientResponse:
        """Return the response, of which there may be more to come, once the answer is decided."""
        url = self.endpoint.url + PATHS[self.endpoint.api]
        response = await self.session.post(url, data=body, headers=self.endpoint.headers)
        try:
            if response.status != 200:
                answer.record.error = f"http_{response.status}"
            elif response.content_type != EVENT_STREAM or "Content-Encoding" in response.headers:
                answer.record.error = ErrorKind.MALFORMED
            else:
                await self._stream(response.content, answer)
        except BaseException:
            response.close()
            raise
        return response

    async def _stream(self, content: aiohttp.StreamReader, answer: Answer) -> None:
        events = EventParser()
        async for received in content.iter_any():
            now = self.clock()
            for event in events.feed(received):
                answer.take(event, now)
            if answer.done:
                return


def _of_connection(error: Exception) -> ErrorKind:
    """Return whose fault it is that there is no connection."""
    own = isinstance(error, OSError) and error.errno in _OWN_FAULTS
    return ErrorKind.CLIENT if own else ErrorKind.CONNECTION


def _blame(answer: Answer, error: ErrorKind) -> None:
    """Set the error of a request, unless it was decided before: then only its last bytes went wrong."""
    if not answer.done and answer.record.error is None:
        answer.record.error = error


async def _read_out(response: aiohttp.ClientResponse) -> None:
    """Read what is left of a response, if it is little, so that its connection can be used again."""
    size = 0
    try:
        with suppress(TimeoutError, aiohttp.ClientError, OSError, ValueError):
            async with asyncio.timeout(_LAST_BYTES_SECONDS):
                async for received in response.content.iter_any():
                    size += len(received)
                    if size > _MOST_BYTES_AFTER:
                        return
    finally:
        response.close()  # of one that was read to its end, the connection is free by now, and stays open
