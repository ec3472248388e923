"""What is found out before any load: is the endpoint there, is it as it should be, how does it count."""

import os
from dataclasses import dataclass, replace
from typing import Literal

import aiohttp

from setpoint.loadgen import foreign_json
from setpoint.loadgen.answer import Answer
from setpoint.loadgen.client import EVENT_STREAM, PATHS, Endpoint, new_session
from setpoint.loadgen.prompts import Prompts
from setpoint.loadgen.records import Record
from setpoint.loadgen.sse import EventParser

API_KEY_VARIABLE = "OPENAI_API_KEY"
_PROBE_OUTPUT_TOKENS = 8
_PROBE_WORDS = (8, 128)
_MOST_BYTES = 2**20
"""More than any answer to a probe: what is longer has no end."""
_MOST_EVENTS = 256
"""Far more than a probe asks for: else a slow stream without an end would be read until the timeout."""
_LONGEST_QUOTE = 200
_MOST_LISTED = 10


class EndpointError(Exception):
    """The endpoint cannot be put under load; the message says why, and what to do."""


class _RefusedError(EndpointError):
    """The endpoint does not like the request; perhaps only a field that vLLM adds to OpenAI's."""


@dataclass(frozen=True, slots=True)
class Ready:
    """An endpoint that can be put under load, and what is known of it."""

    endpoint: Endpoint
    prompts: Prompts
    engine: str | None
    token_counts: Literal["tokenizer", "usage"]
    notes: list[str]


async def preflight(
    endpoint: Endpoint, prompts: Prompts, *, tokenizer: bool, timeout_seconds: float
) -> Ready:
    """Look at the endpoint, and calibrate the prompts by its counts.

    `tokenizer`: the words are of the model's own. Raises EndpointError.
    """
    async with new_session() as session:
        look = _Look(session, endpoint, timeout_seconds)
        await look.know_model()
        engine = await look.engine()
        return await look.calibrate(prompts, engine, tokenizer)


@dataclass(slots=True)
class _Reply:
    status: int
    content_type: str
    body: bytes

    def quote(self) -> str:
        """Return the beginning of the body as one line."""
        return " ".join(self.body[: 4 * _LONGEST_QUOTE].decode(errors="replace").split())[:_LONGEST_QUOTE]


class _Look:
    """One look at an endpoint."""

    def __init__(self, session: aiohttp.ClientSession, endpoint: Endpoint, timeout_seconds: float) -> None:
        self._session, self._endpoint = session, endpoint
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)

    async def know_model(self) -> None:
        """Check that the endpoint lists the model."""
        url, model = self._endpoint.url, self._endpoint.model
        reply = await self._request("GET", "/v1/models")
        self._refuse_strangers(reply, "/v1/models")
        try:
            known = [str(each["id"]) for each in foreign_json.parse(reply.body)["data"]]
        except (ValueError, TypeError, KeyError):
            raise EndpointError(
                f"--url: {url} is not OpenAI-like: /v1/models answered {reply.quote()!r}"
            ) from None
        if model not in known:
            raise EndpointError(f"--model: {model!r} is unknown to {url}; it has {_listed(known) or 'none'}")

    async def engine(self) -> str | None:
        """Return what /version answers, as vLLM does; None for others."""
        reply = await self._request("GET", "/version")
        try:
            version = foreign_json.parse(reply.body)["version"] if reply.status == 200 else None
        except (ValueError, TypeError, KeyError):
            return None
        return version[:_LONGEST_QUOTE] if isinstance(version, str) and version.isprintable() else None

    async def calibrate(self, prompts: Prompts, engine: str | None, tokenizer: bool) -> Ready:
        """Send two small requests and learn from their usage how many tokens a prompt has."""
        notes: list[str] = []
        few, many = _PROBE_WORDS
        try:
            short = await self._probe(prompts, few)
        except _RefusedError:
            self._endpoint = replace(self._endpoint, exact_length=False)
            short = await self._probe(prompts, few)
        if not self._endpoint.exact_length or 0 < short.output_tokens < _PROBE_OUTPUT_TOKENS:
            self._endpoint = replace(self._endpoint, exact_length=False)
            notes.append("the endpoint does not honour ignore_eos: output lengths are upper bounds")
        long = await self._probe(prompts, many)
        if len(short.arrivals) < short.output_tokens:
            chunks = f"{len(short.arrivals)} chunk{'s' if len(short.arrivals) != 1 else ''}"
            notes.append(
                f"{short.output_tokens} tokens came in {chunks}: ITL is between chunks, "
                "TPOT is the mean between tokens"
            )
        if not short.prompt_tokens:
            notes.append("the endpoint sends no usage: tokens are counted as words sent and chunks received")
            return Ready(self._endpoint, prompts, engine, "usage", notes)
        try:
            law = prompts.calibrated((few, short.prompt_tokens), (many, long.prompt_tokens))
        except ValueError as error:
            raise EndpointError(f"--url: {self._endpoint.url} miscounts prompts: {error}") from None
        exact = abs(law.tokens_per_word - 1) < 0.01
        if tokenizer and not exact:
            notes.append(
                "--tokenizer is not the model's: the endpoint counts otherwise, and its usage is used"
            )
        elif not tokenizer:
            notes.append(
                f"no tokenizer: prompts are words, {law.tokens_per_word:.2f} tokens each by the usage"
            )
        return Ready(self._endpoint, law, engine, "tokenizer" if tokenizer and exact else "usage", notes)

    async def _probe(self, prompts: Prompts, words: int) -> Record:
        """Return the record, without true times, of one answer. Raises EndpointError."""
        path, url = PATHS[self._endpoint.api], self._endpoint.url
        text = replace(prompts, tokens_per_word=1, overhead_tokens=0).text(f"probe/{words}", words)
        reply = await self._request("POST", path, self._endpoint.body(text, _PROBE_OUTPUT_TOKENS))
        self._refuse_strangers(reply, path)
        if reply.content_type != EVENT_STREAM:
            raise EndpointError(
                f"--url: {url} does not stream: {path} answered {reply.content_type or 'no content type'}: "
                f"{reply.quote()!r}"
            )
        record = Record(0, 0.0, 0.0, _PROBE_OUTPUT_TOKENS)
        answer = Answer(record)
        try:
            for event in EventParser().feed(reply.body):
                answer.take(event, 0.0)
        except ValueError as error:
            raise EndpointError(f"--url: {url} streams no OpenAI chunks at {path}: {error}") from None
        answer.close(0.0, exact_length=False)
        if record.error:
            raise EndpointError(
                f"--url: {url} fails at a first request to {path}: {record.error}: {reply.quote()!r}"
            )
        return record

    def _refuse_strangers(self, reply: _Reply, path: str) -> None:
        url = self._endpoint.url
        if reply.status in (401, 403):
            raise EndpointError(
                f"--url: {url} needs a key it accepts: set {API_KEY_VARIABLE} in the environment"
            )
        if reply.content_type == "text/html":
            raise EndpointError(
                f"--url: {url} answers HTML at {path}: give the address of the API, not of a page"
            )
        if reply.status == 404:
            raise EndpointError(f"--url: {url} is not OpenAI-like: it has no {path}")
        if reply.status != 200:
            kind = _RefusedError if reply.status in (400, 422) else EndpointError
            raise kind(f"--url: {url} answers {reply.status} at {path}: {reply.quote()!r}")

    async def _request(self, method: str, path: str, body: bytes | None = None) -> _Reply:
        """Return the reply. Raises EndpointError when there is none that ends."""
        url = self._endpoint.url
        began = False
        try:
            async with self._session.request(
                method, url + path, data=body, headers=self._endpoint.headers, timeout=self._timeout
            ) as response:
                read, began = b"", True
                streams = response.content_type == EVENT_STREAM
                async for received in response.content.iter_any():
                    read += received
                    if len(read) > _MOST_BYTES:
                        raise EndpointError(f"--url: {url} answers {path} without an end")
                    if streams and read.count(b"data:") > _MOST_EVENTS:
                        raise EndpointError(
                            f"--url: {url} streams more than {_MOST_EVENTS} events at {path} where "
                            f"{_PROBE_OUTPUT_TOKENS} tokens were asked for: it does not honour max_tokens, "
                            "or streams without an end"
                        )
                return _Reply(response.status, response.content_type, read)
        except TimeoutError:
            raise EndpointError(
                f"--url: {url} did not answer {path} to its end within {self._timeout.total:g} s: "
                "look at the endpoint, or raise --timeout"
            ) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if began:
                raise EndpointError(
                    f"--url: {url} cuts its answer to {path} before the end: look at the endpoint, and at "
                    "what stands before it"
                ) from None
            raise EndpointError(
                f"--url: {url} does not answer {path}: {_told(error)}: "
                "is it running, and is this its address?"
            ) from None


def _told(error: Exception) -> str:
    """Return what went wrong, without what aiohttp says of TLS where there may be none."""
    if isinstance(error, aiohttp.ClientConnectorError):
        number = error.os_error.errno or 0
        return os.strerror(number) if number > 0 else str(error.os_error.strerror or error.os_error)
    return str(error) or type(error).__name__


def _listed(models: list[str]) -> str:
    """Return the first of the models, without what a terminal would obey."""
    text = ", ".join(model if model.isprintable() else repr(model) for model in models[:_MOST_LISTED])
    return text[:_LONGEST_QUOTE] + (", ..." if len(models) > _MOST_LISTED else "")
