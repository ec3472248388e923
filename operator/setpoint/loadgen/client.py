"""One streamed request to an OpenAI-compatible endpoint, and its record; whatever the endpoint does."""

import asyncio
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
"""How long to wait for the end of a response whose stream has ended, to use the connection again."""


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
        headers = {"Content-Type": "application/json", "Accept": EVENT_STREAM}
        return {**headers, "Authorization": f"Bearer {self.api_key}"} if self.api_key else headers


def new_session() -> aiohttp.ClientSession:
    """Return a session without limits of its own."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE_SECONDS),
        timeout=aiohttp.ClientTimeout(total=None),
        read_bufsize=_READ_BUFFER_BYTES,
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
                await self._stream(body, answer, deadline)
        except TimeoutError:
            if not answer.done:
                record.error = ErrorKind.TIMEOUT
        except aiohttp.ClientPayloadError:
            if not answer.done:
                record.error = ErrorKind.CUT
        except (aiohttp.ServerDisconnectedError, OSError):
            if not answer.done:
                record.error = ErrorKind.CUT if record.arrivals else ErrorKind.CONNECTION
        except (aiohttp.ClientError, ValueError):
            record.error = ErrorKind.MALFORMED
        answer.close(self.clock(), self.endpoint.exact_length)
        return answer

    async def _stream(self, body: bytes, answer: Answer, deadline: asyncio.Timeout) -> None:
        url = self.endpoint.url + PATHS[self.endpoint.api]
        async with self.session.post(url, data=body, headers=self.endpoint.headers) as response:
            if response.status != 200:
                await response.read()  # so that the connection can be used again
                answer.record.error = f"http_{response.status}"
                return
            if response.content_type != EVENT_STREAM:
                answer.record.error = ErrorKind.MALFORMED
                return
            events = EventParser()
            async for received in response.content.iter_any():
                now = self.clock()
                if answer.done:
                    continue
                for event in events.feed(received):
                    answer.take(event, now)
                if answer.done:
                    deadline.reschedule(asyncio.get_running_loop().time() + _LAST_BYTES_SECONDS)
