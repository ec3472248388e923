"""What happened to each request: the raw material of every figure."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

TICK_SECONDS = 0.02
"""Between the moments at which a sender notes how late it is."""


class ErrorKind(StrEnum):
    """Why a request failed; another status than 200 is `http_` and the status, as `http_503` for a shed."""

    CLIENT = "client"
    """Never sent, for want of a file descriptor, a port or memory on the client's side."""
    CONNECTION = "connection"
    """No connection, or it was lost before the answer began."""
    TIMEOUT = "timeout"
    """Not answered to its end in time; a stream that never ends is one."""
    CUT = "cut"
    """The stream ended, or the connection was lost, before the answer's end."""
    MALFORMED = "malformed"
    """Not a stream of OpenAI's chunks: HTML, broken or endless JSON, another content type, packed."""
    STREAM_ERROR = "stream_error"
    """The endpoint told of an error within the stream."""
    TOO_FEW_TOKENS = "too_few_tokens"
    """Fewer tokens than asked for, from an endpoint that honours `ignore_eos`."""


@dataclass(slots=True)
class Record:
    """One request. Times are seconds since the stage began."""

    number: int
    """Unique within the stage."""
    scheduled: float
    """When it should be sent: by the plan, or when its client became free."""
    sent: float
    output_tokens_asked: int
    arrivals: "array[float]" = field(default_factory=lambda: array("d"))
    """When each chunk came that carried tokens."""
    ended: float | None = None
    """When the last token came, or the failure; None for a request that was still under way at the end."""
    prompt_tokens: int = 0
    """As the endpoint counted; 0 when it did not say."""
    output_tokens: int = 0
    error: str | None = None
    """An `ErrorKind`, or a status such as `http_503`."""

    @property
    def answered(self) -> bool:
        """Whether it was answered to its end."""
        return self.ended is not None and self.error is None

    @property
    def first(self) -> float | None:
        """When the first token came."""
        return self.arrivals[0] if self.arrivals else None

    @property
    def itl_is_known(self) -> bool:
        """Whether the time between its tokens, if it has several, was measured: not when all came at once.

        Without a usage, one chunk may be any number of tokens up to those asked for.
        """
        most_tokens = self.output_tokens if self.prompt_tokens else self.output_tokens_asked
        return len(self.arrivals) > 1 or max(most_tokens, self.output_tokens) < 2

    @property
    def mean_itl_seconds(self) -> float:
        """The mean time between two tokens; 0 for fewer than two, and when it is not known."""
        gaps = max(self.output_tokens, len(self.arrivals)) - 1
        return (self.arrivals[-1] - self.arrivals[0]) / gaps if gaps > 0 else 0.0


def tokens_per_chunk(records: Sequence[Record]) -> float:
    """Return the mean number of tokens in a chunk of the answered requests; 1 when none was answered."""
    answered = [record for record in records if record.answered]
    chunks = sum(len(record.arrivals) for record in answered)
    return sum(record.output_tokens for record in answered) / chunks if chunks else 1.0
