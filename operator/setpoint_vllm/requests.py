"""One HTTP request for an answer: how it ended, where the engine itself never tells.

What the engine finishes is judged by `verdicts`. Here is counted what never becomes that: a request that was
shed, one that failed, and one whose client left (`cut`, which says nothing about the engine). A refusal of a
wrong request (4xx) is no verdict.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

SHED = 503


class Observed:
    """Passes a request on to `app` once `let_in` allows it, and sees how it ends.

    `let_in` is asked when the body has arrived whole, and told its size in bytes: vLLM reads a body after it
    has looked at the key, and what a client claims before is worth nothing. Where the answer is no, `app` is
    told that the client left, and nothing of what it does then gets out: whoever made this answers.
    """

    def __init__(self, app: App, let_in: "Callable[[Observed, int], bool]") -> None:
        self._app = app
        self._let_in = let_in
        self._body_bytes = 0
        self._is_let_in: bool | None = None
        self._status: int | None = None
        self._answered = False
        self._client_left = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Be the ASGI application that `app` is."""
        try:
            await self._app(scope, partial(self._hear, receive), partial(self._say, send))
        except Exception:
            if not self.is_shed:
                raise

    async def _hear(self, receive: Receive) -> Message:
        if self.is_shed:
            return {"type": "http.disconnect"}
        message = await receive()
        self._client_left |= message["type"] == "http.disconnect" and not self._answered
        if message["type"] == "http.request" and self._is_let_in is None and self._status is None:
            self._body_bytes += len(message.get("body", b""))
            if not message.get("more_body", False):
                self._is_let_in = self._let_in(self, self._body_bytes)
        return {"type": "http.disconnect"} if self.is_shed else message

    async def _say(self, send: Send, message: Message) -> None:
        if self.is_shed:
            return
        if message["type"] == "http.response.start":
            self._status = message["status"]
        elif message["type"] == "http.response.body":
            self._answered = not message.get("more_body", False)
        try:
            await send(message)
        except OSError:  # how a server may tell that nobody listens any longer
            self._client_left = True
            raise

    @property
    def is_shed(self) -> bool:
        """Whether it was not let in."""
        return self._is_let_in is False

    @property
    def verdict(self) -> tuple[str, str] | None:
        """Verdict and reason, after the call or its exception; None where the engine tells, or nobody."""
        if self._client_left:
            return "cut", ""
        if self.is_shed or self._status == SHED:
            return "bad", "shed"
        failed = self._status is None or self._status >= 500 or not self._answered
        return ("bad", "failed") if failed else None
