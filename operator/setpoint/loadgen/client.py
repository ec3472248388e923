"""One streamed request to an OpenAI-compatible endpoint, and its record; whatever the endpoint does."""

import asyncio
import errno
import json
from collections.abc import Callable, Mapping
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
_LAST_BYTES_SECONDS = 1.0
"""How long to wait for the end of a response that is decided, to use the connection again."""
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

    async def ask(self, body: bytes, record: Record) -> Answer:
        """Send a request and fill in its record; if cancelled, leave it as one under way."""
        answer = Answer(record)
        try:
            async with asyncio.timeout(self.timeout_seconds) as deadline:
                await self._exchange(body, answer, deadline)
        except TimeoutError:
            _blame(answer, ErrorKind.TIMEOUT)
        except aiohttp.ClientPayloadError:
            _blame(answer, ErrorKind.CUT)
        except (aiohttp.ServerDisconnectedError, OSError) as error:
            _blame(answer, ErrorKind.CUT if record.arrivals else _of_connection(error))
        except (aiohttp.ClientError, ValueError):
            _blame(answer, ErrorKind.MALFORMED)
        answer.close(self.clock(), self.endpoint.exact_length)
        return answer

    async def _exchange(self, body: bytes, answer: Answer, deadline: asyncio.Timeout) -> None:
        url = self.endpoint.url + PATHS[self.endpoint.api]
        async with self.session.post(url, data=body, headers=self.endpoint.headers) as response:
            if response.status != 200:
                answer.record.error = f"http_{response.status}"
            elif response.content_type != EVENT_STREAM or "Content-Encoding" in response.headers:
                answer.record.error = ErrorKind.MALFORMED
            else:
                await self._stream(response.content, answer)
            deadline.reschedule(asyncio.get_running_loop().time() + _LAST_BYTES_SECONDS)
            await _read_out(response.content)

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


async def _read_out(content: aiohttp.StreamReader) -> None:
    """Read what is left of a response, if it is little, so that its connection can be used again."""
    size = 0
    async for received in content.iter_any():
        size += len(received)
        if size > _MOST_BYTES_AFTER:
            return
