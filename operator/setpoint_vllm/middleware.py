"""`--middleware setpoint_vllm.middleware.Setpoint`: the outermost layer of each of vLLM's API servers.

It holds start-up until the limits are in force, so that the first /health that answers 200 answers for an
engine within its limits; it closes every path but a few, since vLLM's --api-key guards only some; it sheds
what is beyond the queue limits; and it serves what is in force at GET /setpoint/limits, from memory.
"""

import asyncio
import json
import logging
import math
import os
import time
from collections.abc import Mapping
from typing import Any

from setpoint_vllm import metrics, state
from setpoint_vllm.backlog import Backlog
from setpoint_vllm.channel import LOOK_SECONDS, Channel
from setpoint_vllm.complaints import Complaints
from setpoint_vllm.limits_file import Limit
from setpoint_vllm.requests import App, Message, Observed, Receive, Scope, Send

HOLD_SECONDS = 20.0
"""Start-up is not held longer: an engine without its limits is better than none."""
LIMITS_PATH = "/setpoint/limits"
OPEN_PATHS = frozenset({"/health", "/metrics", "/ping", "/version", LIMITS_PATH})
OPEN_BELOW = "/v1/"
"""What --api-key guards, when there is a key (vllm/entrypoints/serve/middleware/authenticate.py)."""
ANSWER_PATHS = frozenset({"/v1/completions", "/v1/chat/completions", "/v1/responses", "/v1/messages"})
"""Whose requests are shed and judged."""
RETRY_AFTER_SECONDS = 1
BYTES_PER_TOKEN = 4
"""Of English text, about; a request counts by it for the milliseconds until it is tokenized."""
_log = logging.getLogger("vllm.setpoint")


class Setpoint:
    """An ASGI application around vLLM's."""

    def __init__(self, app: App) -> None:
        self._app = app
        further = os.environ.get("SETPOINT_OPEN_PATHS", "")
        self._open_paths = OPEN_PATHS | {path for path in further.split(",") if path}
        self._complaints = Complaints(_log)
        self._backlog = Backlog.of_this_engine()
        self._in_flight: dict[Observed, int] = {}
        """The requests whose bodies have arrived, with the bytes of these."""
        self._engine_client: Any = None
        self._channel: Channel | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, close, shed, or pass on."""
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
            return
        path = route_path(scope)
        if path not in self._open_paths and not path.startswith(OPEN_BELOW):
            closed = scope["type"] == "websocket"
            await (send({"type": "websocket.close", "code": 1008}) if closed else _answer(send, 404))
        elif path == LIMITS_PATH:
            await _answer(send, 200, self._in_force())
        elif path in ANSWER_PATHS and scope.get("method") == "POST":
            await self._answer_or_shed(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer_or_shed(self, scope: Scope, receive: Receive, send: Send) -> None:
        # First by what was told last: counting anew takes the longer the more the engine has.
        if self._is_full() and self._is_full_now():
            metrics.REQUESTS.labels("bad", "shed").inc()
            await _shed(send)
            return
        observed = Observed(self._app, self._let_in)
        try:
            await observed(scope, receive, send)
            if observed.is_shed:
                await _shed(send)
        finally:
            self._in_flight.pop(observed, None)
            self._publish()
            if observed.verdict:
                metrics.REQUESTS.labels(*observed.verdict).inc()

    def _let_in(self, request: Observed, body_bytes: int) -> bool:
        """Whether a request whose body has arrived is let in, to count from then on.

        Its head was let in before, but all heads of a burst may come before any body.
        """
        if self._is_full_now():
            return False
        self._in_flight[request] = body_bytes
        self._publish()
        return True

    def _is_full_now(self) -> bool:
        self._publish()
        return self._is_full()

    def _is_full(self) -> bool:
        wanted = self._channel.wanted if self._channel else {}
        requests, tokens = self._backlog.total()
        most_requests = wanted.get(Limit.QUEUED_REQS, math.inf)
        return requests >= most_requests or tokens >= wanted.get(Limit.QUEUED_TOKENS, math.inf)

    def _publish(self) -> None:
        """Tell the backlog what this server has in hand. Never raises."""
        requests, tokens = len(self._in_flight), 0
        try:
            states = _request_states(self._engine_client)
            requests, tokens = max(requests, len(states)), self._queued_tokens(states)
        except Exception:
            self._complaints.say("count", "what the engine has in hand is not counted", exc_info=True)
        self._backlog.publish(requests, tokens)

    def _queued_tokens(self, states: Mapping[str, Any]) -> int:
        """Prompt tokens without a first token, in vLLM's meaning (AsyncLLM.check_admission), if limited.

        Requests of which the engine has not been told yet, as their text is still parsed, count too, by the
        bodies in flight: else a burst would be let in whole.
        """
        if self._channel is None or Limit.QUEUED_TOKENS not in self._channel.wanted:
            return 0
        tokens = sum(each.prompt_len for each in states.values() if each.is_prefilling)
        untold = len(self._in_flight) - len(states)
        if untold > 0:
            most = _longest_prompt(self._engine_client)
            in_flight = sum(min(size / BYTES_PER_TOKEN, most) for size in self._in_flight.values())
            tokens += untold * in_flight / len(self._in_flight)
        return int(tokens)

    def _in_force(self) -> dict[str, Any]:
        file = state.believed
        ranks = self._channel.ranks if self._channel else {}
        return {"generation": file.generation, "writer": file.writer, "ranks": ranks}

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._engine_client = getattr(getattr(scope.get("app"), "state", None), "engine_client", None)
        channel = self._channel = Channel.from_environment(self._engine_client)

        async def say(message: Message) -> None:
            # The server listens when this has been sent, and not before.
            if message["type"] == "lifespan.startup.complete":
                await self._hold(channel)
                self._follow(channel)
            await send(message)

        try:
            await self._app(scope, receive, say)
        finally:
            for task in self._tasks:
                task.cancel()

    async def _hold(self, channel: Channel) -> None:
        deadline = time.monotonic() + HOLD_SECONDS
        await channel.look()
        while not channel.has_asked and time.monotonic() < deadline:
            await asyncio.sleep(LOOK_SECONDS)
            await channel.look()
        if not channel.has_asked:
            _log.warning("the server starts before its limits are in force")

    def _follow(self, channel: Channel) -> None:
        async def follow() -> None:
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                try:
                    await channel.look()
                    self._publish()
                    self._backlog.look_for_others()
                    self._complaints.is_well("others")
                except Exception:
                    # A round that failed must not be the last: a lease may end.
                    self._complaints.say("others", "the other servers were not looked for", exc_info=True)

        self._tasks.add(asyncio.get_running_loop().create_task(follow()))


def route_path(scope: Scope) -> str:
    """The path by which Starlette chooses a route: without the prefix that a proxy took away."""
    path: str = scope["path"]
    prefix: str = scope.get("root_path", "")
    return path[len(prefix) :] if prefix and path.startswith(f"{prefix}/") else path


def _longest_prompt(engine_client: Any) -> float:
    """In tokens: vLLM refuses what is longer. Infinite where the engine client does not say."""
    tokens = getattr(getattr(engine_client, "model_config", None), "max_model_len", None)
    return tokens if isinstance(tokens, int) and tokens > 0 else math.inf


def _request_states(engine_client: Any) -> Mapping[str, Any]:
    """The requests that this server has in the engine, as vLLM's output processor keeps them; or none."""
    return getattr(getattr(engine_client, "output_processor", None), "request_states", None) or {}


async def _shed(send: Send) -> None:
    error = {"message": "too many requests wait: try again", "type": "overloaded", "code": 503}
    await _answer(send, 503, {"error": error}, retry=True)


async def _answer(
    send: Send, status: int, content: dict[str, Any] | None = None, *, retry: bool = False
) -> None:
    headers = [(b"content-type", b"application/json")]
    if retry:
        headers.append((b"retry-after", str(RETRY_AFTER_SECONDS).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(content or {}).encode()})
