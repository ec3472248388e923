"""Who is let in: vLLM's queue limits, and the live ones that the limits file sets.

Both mean what vLLM means (AsyncLLM.check_admission, 0.31 and later): requests that wait or run, and prompt
tokens of those without a first token; at the limit the next is refused. They differ in the answer: vLLM's has
no Retry-After and counts in its own metric, the live one tells the client when to come again.
"""

from setpoint.simulator.http.completion_request import RefusedError
from setpoint.simulator.http.live_limits import LiveLimits
from setpoint.simulator.http.metrics import REJECTED_REQS, REJECTED_TOKENS, Metrics
from setpoint.simulator.http.realtime import RealTimeReplica
from setpoint_vllm.limits_file import Limit

RETRY_AFTER_SECONDS = 1
_BUSY = "The engine is currently busy and cannot accept new requests."
_BACKLOG = "The engine's prefill backlog is too large to accept new requests."
_AGAIN = "Please try again later or on a different instance."


class Admission:
    """The limits at the door of one API server; None for no limit."""

    def __init__(
        self,
        replica: RealTimeReplica,
        live: LiveLimits,
        metrics: Metrics,
        max_num_queued_reqs: int | None,
        max_num_queued_tokens: int | None,
    ) -> None:
        self._replica = replica
        self._live = live
        self._metrics = metrics
        self._max_requests = max_num_queued_reqs
        self._max_tokens = max_num_queued_tokens

    def check(self) -> None:
        """Raise RefusedError, a 503, when there is no room for one more request."""
        requests, tokens = self._replica.unfinished, self._replica.queued_tokens
        live = self._live.values
        if requests >= live[Limit.QUEUED_REQS] or tokens >= live[Limit.QUEUED_TOKENS]:
            refused = _refused(_BUSY)
            refused.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
            raise refused
        if self._max_requests is not None and requests >= self._max_requests:
            self._metrics.rejections[REJECTED_REQS].add()
            raise _refused(_BUSY)
        if self._max_tokens is not None and tokens >= self._max_tokens:
            self._metrics.rejections[REJECTED_TOKENS].add()
            raise _refused(_BACKLOG)


def _refused(message: str) -> RefusedError:
    return RefusedError(f"{message} {_AGAIN}", "Service Unavailable", code=503)
