"""/v1/completions and /v1/chat/completions: from a request's body to the last token of its answer."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from random import Random

from aiohttp import HttpVersion11, web

from setpoint.simulator.http import completion_request, prompt
from setpoint.simulator.http.admission import Admission
from setpoint.simulator.http.answer import DONE, Answer, answer_ids, event
from setpoint.simulator.http.body import json_body, json_response
from setpoint.simulator.http.completion_request import CompletionRequest, RefusedError
from setpoint.simulator.http.realtime import EngineDeadError, RealTimeReplica, Ticket
from setpoint.simulator.http.verdicts import Verdicts
from setpoint.simulator.request import Request
from setpoint.workload.lengths import Lengths


@dataclass(frozen=True, slots=True)
class Model:
    """What is served."""

    names: tuple[str, ...]
    root: str
    """Where it came from: a repository or a folder."""
    max_model_len: int
    block_size: int
    answer_tokens: Lengths
    """Where it ends an answer by itself."""


class Completions:
    """Answers from one replica."""

    def __init__(
        self, model: Model, replica: RealTimeReplica, admission: Admission, verdicts: Verdicts, random: Random
    ) -> None:
        self._model = model
        self._replica = replica
        self._admission = admission
        self._verdicts = verdicts
        self._random = random
        self.draining = False
        """Set on SIGTERM: what runs goes on, what comes is refused."""

    async def handle(self, http: web.Request) -> web.StreamResponse:
        """Answer one request."""
        asked = completion_request.parse(
            await json_body(http),
            chat=http.path.endswith("/chat/completions"),
            served_names=self._model.names,
            max_model_len=self._model.max_model_len,
        )
        try:
            self._check_open()
            return await self._answer(http, asked)
        except RefusedError as refused:
            if refused.code == HTTPStatus.SERVICE_UNAVAILABLE:
                self._verdicts.shed()
            else:
                self._verdicts.failed()
            raise

    def _check_open(self) -> None:
        if self.draining:
            raise RefusedError("cannot schedule new futures after shutdown", "InternalServerError", code=500)
        if self._replica.dead:
            raise _dead()
        self._admission.check()

    async def _answer(self, http: web.Request, asked: CompletionRequest) -> web.StreamResponse:
        tokens = asked.answer_tokens(self._model.answer_tokens.sample(self._random))
        answer = Answer(asked, self._model.names[0], tokens)
        request = Request(
            prompt_tokens=len(asked.token_ids),
            output_tokens=tokens,
            block_keys=prompt.block_keys(asked.token_ids + answer_ids(tokens), self._model.block_size),
        )
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        deliver = None
        if asked.stream:
            await response.prepare(http)
            deliver = _writer(http, answer)
        ticket = Ticket(request, asked.max_tokens, answer.finish_reason, deliver)
        self._replica.submit(ticket)
        try:
            await ticket.ended
        except EngineDeadError:
            if not asked.stream:
                raise _dead() from None
            self._verdicts.failed()
            await response.write(event(_dead().body) + DONE)
        except asyncio.CancelledError:
            if request.finished_seconds is None:  # else it has its verdict
                self._replica.cancel(ticket)
                self._verdicts.cut()
            raise
        else:
            if not asked.stream:
                return json_response(answer.whole())
            await response.write(answer.end())
        await response.write_eof()
        return response


def _writer(http: web.Request, answer: Answer) -> Callable[[int], None]:
    """What writes an answer's next tokens to the connection, without a task that has to be woken for it.

    The frames are those of HTTP/1.1's chunked coding (RFC 9112, 7.1), which aiohttp has announced. A client
    that does not read does not slow the others down: what it is due is kept for it.
    """
    chunked = http.version >= HttpVersion11

    def write(tokens: int) -> None:
        data = answer.next() if tokens == 1 else b"".join(answer.next() for _ in range(tokens))
        if (transport := http.transport) and not transport.is_closing():
            transport.write(b"%x\r\n%b\r\n" % (len(data), data) if chunked else data)

    return write


def _dead() -> RefusedError:
    message = "EngineCore encountered an issue. See stack trace (above) for the root cause."
    return RefusedError(message, "InternalServerError", code=500)
