"""One streamed answer, chunk by chunk: when tokens came, how many, and whether it ended as it should."""

from typing import Any

from setpoint.loadgen import foreign_json
from setpoint.loadgen.records import ErrorKind, Record

_DONE = b"[DONE]"
MOST_CHUNKS = 2**20
"""Of one answer, which is beyond any context: a stream without an end would fill the memory."""


class Answer:
    """Takes the events of one stream and fills in the record.

    A chunk counts when it carries a token. Chunks without text are told apart as follows: one that only names
    the role is none; one in the middle is (the detokenizer holds an incomplete character back); one that only
    ends the answer is when the usage counts a token more than the other chunks.
    """

    def __init__(self, record: Record) -> None:
        self.record = record
        self.done = False
        """Whether the stream said its last word."""
        self._finished: float | None = None
        self._empty_end: float | None = None

    def take(self, event: bytes, now: float) -> None:
        """Take the data of one event that came at `now`.

        Raises ValueError when it is not a chunk of an answer, or one too many.
        """
        if event == _DONE or self.done:
            self.done = True
            return
        chunk = foreign_json.parse(event)
        try:
            if chunk.get("error"):
                self.record.error = ErrorKind.STREAM_ERROR
                self.done = True
                return
            self._take_usage(chunk.get("usage") or {})
            for choice in chunk.get("choices") or []:
                self._take_choice(choice, now)
        except (AttributeError, TypeError) as error:
            raise ValueError(f"an event of the stream is not a chunk of an answer: {error}") from error
        if len(self.record.arrivals) > MOST_CHUNKS:
            raise ValueError(f"the stream has more than {MOST_CHUNKS} chunks")

    def close(self, now: float, exact_length: bool) -> None:
        """Judge the answer once its stream is over. `exact_length`: to have fewer tokens is a fault."""
        record = self.record
        counted = len(record.arrivals)
        if self._empty_end is not None and (not counted or record.output_tokens > counted):
            record.arrivals.append(self._empty_end)
        record.output_tokens = record.output_tokens or len(record.arrivals)
        record.ended = now if self._finished is None else self._finished
        if record.error is None and self._finished is None and not (self.done and record.arrivals):
            record.error = ErrorKind.CUT if record.arrivals or not self.done else ErrorKind.MALFORMED
        if record.error is None and exact_length and record.output_tokens < record.output_tokens_asked:
            record.error = ErrorKind.TOO_FEW_TOKENS

    def _take_usage(self, usage: dict[str, Any]) -> None:
        record, count = self.record, foreign_json.token_count
        record.prompt_tokens = count(usage.get("prompt_tokens")) or record.prompt_tokens
        record.output_tokens = count(usage.get("completion_tokens")) or record.output_tokens

    def _take_choice(self, choice: dict[str, Any], now: float) -> None:
        delta = choice.get("delta")
        says = bool(choice.get("text")) if delta is None else _says(delta)
        ends = choice.get("finish_reason") is not None
        role_only = delta is not None and "role" in delta
        if says or not (ends or role_only):
            self.record.arrivals.append(now)
        elif ends:
            self._empty_end = now
        if ends:
            self._finished = now


def _says(delta: dict[str, Any]) -> bool:
    """Return whether a chat chunk adds to the answer, to the reasoning before it, or to a call of a tool."""
    return any(delta.get(part) for part in ("content", "reasoning_content", "reasoning", "tool_calls"))
