"""A client that asks an engine under test."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientResponse, ClientSession
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

Samples = dict[tuple[str, ...], float]
"""Values by name and labels' values, the labels in order of their names."""
LEFT_TOKENS = 500
"""Tokens of the answer whose client leaves."""


@dataclass(frozen=True)
class Engine:
    """A server under test."""

    url: str
    model: str
    api_key: str


@dataclass(frozen=True)
class Reply:
    """A whole response."""

    status: int
    content_type: str
    text: str
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text)

    @property
    def events(self) -> list[str]:
        """The data of the server-sent events, the last one "[DONE]"."""
        return [line.removeprefix("data: ") for line in self.text.splitlines() if line.startswith("data: ")]


class Client:
    """Asks an engine."""

    def __init__(self, engine: Engine, session: ClientSession) -> None:
        self.engine = engine
        self._session = session

    async def get(self, path: str, *, key: str | None = None) -> Reply:
        """GET `path`, with `key` where one is given."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        async with self._session.get(self.engine.url + path, headers=headers) as response:
            return await _reply(response)

    async def post(self, path: str, body: object, **headers: str) -> Reply:
        """POST `body` (JSON, or bytes as they are) with the engine's key."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {
            "Authorization": f"Bearer {self.engine.api_key}",
            "Content-Type": "application/json",
            **headers,
        }
        async with self._session.post(self.engine.url + path, data=data, headers=sent) as response:
            return await _reply(response)

    async def complete(self, **body: object) -> Reply:
        """A completion of three tokens, changed by `body`."""
        return await self.post("/v1/completions", {"prompt": "baba bebe", "max_tokens": 3} | body)

    async def chat(self, **body: object) -> Reply:
        """A chat completion of three tokens, changed by `body`."""
        messages = [{"role": "user", "content": "baba bebe"}]
        return await self.post("/v1/chat/completions", {"messages": messages, "max_tokens": 3} | body)

    async def leave(self) -> None:
        """Ask for a long stream, and close the connection at its first token."""
        body = {"prompt": "baba", "max_tokens": LEFT_TOKENS, "ignore_eos": True, "stream": True}
        headers = {"Authorization": f"Bearer {self.engine.api_key}"}
        async with self._session.post(
            f"{self.engine.url}/v1/completions", json=body, headers=headers
        ) as response:
            await response.content.readuntil(b"\n\n")
            response.close()

    async def metrics(self) -> list[Sample]:
        """The engine's samples."""
        return parse_metrics((await self.get("/metrics")).text)

    async def samples(self) -> dict[tuple[str, str], float]:
        """The engine's samples by name and `finished_reason` or `le` label ("" for none)."""
        return {
            (sample.name, sample.labels.get("finished_reason", sample.labels.get("le", ""))): sample.value
            for sample in await self.metrics()
        }


def parse_metrics(text: str) -> list[Sample]:
    """The samples of a metrics page."""
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


def by_labels(samples: Iterable[Sample]) -> Samples:
    """The samples by name and labels' values."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for sample in samples
    }


async def _reply(response: ClientResponse) -> Reply:
    return Reply(response.status, response.content_type, await response.text(), response.headers)


def usage(reply: dict[str, Any]) -> tuple[int, int, int]:
    """Prompt, completion and total tokens."""
    counts = reply["usage"]
    return counts["prompt_tokens"], counts["completion_tokens"], counts["total_tokens"]
