"""Which requests and tokens kept the promise, counted exactly against objectives that may change at any time.

A gap between tokens, and a first token, is judged by each objective of its kind. A request is good when its
time to first token and its own mean gap meet every objective; one that was shed, failed or ended by the
server is bad; one whose client left is `cut`, which says nothing about the engine.
"""

from collections.abc import Sequence

from setpoint.simulator.http.series import Registry
from setpoint_vllm.limits_file import Latency, Objective

_KINDS = (("good", ""), ("bad", "late"), ("bad", "shed"), ("bad", "failed"), ("cut", ""))


class Verdicts:
    """The counters setpoint_tokens_total and setpoint_requests_total."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.objectives: Sequence[Objective] = ()
        for verdict, reason in _KINDS:
            self._request(verdict, reason, 0)

    def latency(self, kind: Latency, seconds: float, count: int = 1) -> None:
        """Judge `count` equal latencies of one kind."""
        for objective in self.objectives:
            if objective.latency is kind:
                self._registry.counter(
                    "setpoint_tokens",
                    "Latencies by objective and verdict",
                    objective=objective.name,
                    verdict="good" if seconds <= objective.threshold_seconds else "bad",
                ).add(count)

    def finished(self, ttft_seconds: float, mean_gap_seconds: float) -> None:
        """Judge a request that was answered to its end."""
        seen = {Latency.TTFT: ttft_seconds, Latency.ITL: mean_gap_seconds}
        good = all(seen[objective.latency] <= objective.threshold_seconds for objective in self.objectives)
        self._request(*(("good", "") if good else ("bad", "late")))

    def shed(self) -> None:
        """A request was refused for want of room."""
        self._request("bad", "shed")

    def failed(self) -> None:
        """A request was ended by the server."""
        self._request("bad", "failed")

    def cut(self) -> None:
        """A client left before its answer's end."""
        self._request("cut", "")

    def _request(self, verdict: str, reason: str, count: int = 1) -> None:
        text = "Sequences and requests by verdict"
        self._registry.counter("setpoint_requests", text, verdict=verdict, reason=reason).add(count)
