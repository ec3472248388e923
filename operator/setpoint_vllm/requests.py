"""One HTTP request for an answer: how it ended, where the engine itself never tells.

What the engine finishes is judged by `verdicts`. Here is counted what never becomes that: a request that was
shed, one that failed, and one whose client left (`cut`, which says nothing about the engine). A refusal of a
wrong request (4xx) is no verdict.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

SHED = 503


class Observed:
    """Passes a request on to `app`, and sees how it ends."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._status: int | None = None
        self._answered = False
        self._client_left = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Be the ASGI application that `app` is."""

        async def hear() -> Message:
            message = await receive()
            self._client_left |= message["type"] == "http.disconnect" and not self._answered
            return message

        async def say(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._status = message["status"]
            elif message["type"] == "http.response.body":
                self._answered = not message.get("more_body", False)
            try:
                await send(message)
            except OSError:  # how a server may tell that nobody listens any longer
                self._client_left = True
                raise

        await self._app(scope, hear, say)

    @property
    def verdict(self) -> tuple[str, str] | None:
        """Verdict and reason, after the call or its exception; None where the engine tells, or nobody."""
        if self._client_left:
            return "cut", ""
        if self._status == SHED:
            return "bad", "shed"
        failed = self._status is None or self._status >= 500 or not self._answered
        return ("bad", "failed") if failed else None
